#include "agent/build_day.hpp"

namespace meterbox::agent {

core::UtcTime build_day() {
    return {std::int64_t{METERBOX_BUILD_DAY} * core::day_ms};
}

}  // namespace meterbox::agent
