// One seed's world, from its beginning to the bill.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/sim/plan.hpp"
#include "tests/sim/tally.hpp"

namespace meterbox::sim {

struct Outcome {
    std::string violation;  // empty: every promise was kept
    std::uint64_t hash = 0;
    Tally tally;
    std::vector<std::string> lines;  // of the trace, if they were asked for
};

// keys: a folder for the account's keys, the same for all seeds.
Outcome simulate(const Plan& plan, const std::filesystem::path& keys, bool with_lines);

}  // namespace meterbox::sim
