// What a check of the journal's chain found, as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/wire.hpp"

namespace meterbox::agent {

struct ChainReport {
    struct Broken {
        std::int64_t sequence = 0;  // of the link
        std::string what;
    };
    std::int64_t first = 0;   // the oldest link that is kept; 0: there is none
    std::int64_t links = 0;   // recomputed
    std::int64_t events = 0;  // that those cover
    core::wire::JournalHead head;
    std::optional<Broken> broken;
};

}  // namespace meterbox::agent
