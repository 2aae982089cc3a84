// How much of each resource this machine uses in an hour, for the size of its reserve (protocol,
// Sizing): the mean of the last 24 hours. Loop thread only; rebuilt from the journal at the start.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

class UsageRate {
public:
    // The resource's counter M at this moment; it never falls.
    void observe(const std::string& resource, core::Amount metered, core::UtcTime now);
    // Something of it couldn't wait at this moment.
    void needed(const std::string& resource, core::UtcTime now);
    // Usage of the 24 hours before the start, as one sum: it counts for half a day more.
    void remember(const std::string& resource, core::Amount last_day, core::UtcTime now);
    core::Amount mean_per_hour(const std::string& resource) const;
    // Nothing was metered or needed for 15 minutes, since the start at the earliest.
    bool idle(const std::string& resource, core::UtcTime now) const;

private:
    struct Series {
        core::Amount metered;
        bool started = false;
        std::map<std::int64_t, core::Amount> hours;  // by hour number, at most 24
        core::UtcTime active_at;
    };
    std::map<std::string, Series> series_;
};

}  // namespace meterbox::agent
