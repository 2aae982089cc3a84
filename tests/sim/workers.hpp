// A campaign over several processes: each runs its share of the seeds, and the tallies are added up. A seed's
// world is the same whichever process runs it.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/sim/tally.hpp"

namespace meterbox::sim {

struct Share {
    Tally tally;
    std::uint64_t failed = 0;  // seeds
};

// run(job, jobs): the seeds whose turn is job of jobs. In as many processes; one: in this one. A process that
// ends otherwise than by returning counts as one seed that failed.
Share over_processes(std::uint64_t jobs, const std::function<Share(std::uint64_t, std::uint64_t)>& run);

}  // namespace meterbox::sim
