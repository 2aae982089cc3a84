// How often the disk under the journal has failed lately, counted across processes: each failure ends one.
// Kept in two files, so that it doesn't depend on the failing disk alone: in the state's folder, and beside
// the products' socket, which is memory on most machines. Either may be lost. Counts within one boot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <vector>

#include "platform/system/clock.hpp"

namespace meterbox::agent {

class FaultCount {
public:
    FaultCount(std::vector<std::filesystem::path> files, const platform::system::Clock& clock);

    // Failures within limits::store_fault_window_ms.
    std::int64_t recent() const;
    std::int64_t note();  // one more, now; recent() with it

private:
    std::set<std::int64_t> moments() const;  // in boot time

    std::vector<std::filesystem::path> files_;
    const platform::system::Clock& clock_;
};

}  // namespace meterbox::agent
