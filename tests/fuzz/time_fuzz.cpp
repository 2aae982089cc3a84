// core/time: what is read as a time or a duration is in its range, and is read the same when it is
// written again; whatever number of milliseconds there is can be written, and read back.
#include "core/time.hpp"

#include <cstring>

#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::core;

constexpr UtcTime first{-62'135'596'800'000};  // 0001-01-01
constexpr UtcTime last{253'402'300'799'999};   // 9999-12-31

void check_time(UtcTime time) {
    METERBOX_ASSERT(time >= first && time <= last);
    const std::string written = format_rfc3339(time);
    METERBOX_ASSERT(written.size() == 20 || written.size() == 24);
    METERBOX_ASSERT(parse_rfc3339(written) == time);
    METERBOX_ASSERT(start_of(hour_of(time)) <= time && time - start_of(hour_of(time)) < hour_ms);
}

void check_duration(std::int64_t ms) {
    METERBOX_ASSERT(ms >= 0);
    METERBOX_ASSERT(parse_short_duration_ms(format_short_duration(ms)) == ms);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    if (const auto time = parse_rfc3339(text)) check_time(*time);
    if (const auto ms = parse_iso8601_duration_ms(text)) check_duration(*ms);
    if (const auto ms = parse_short_duration_ms(text)) check_duration(*ms);
    std::int64_t number = 0;
    if (size > 0) std::memcpy(&number, data, std::min(size, sizeof number));
    METERBOX_ASSERT(parse_rfc3339(format_rfc3339(UtcTime{number})) ==
                    std::clamp(UtcTime{number}, first, last));
    if (number >= 0) {
        check_duration(number);
    } else {
        METERBOX_ASSERT(format_short_duration(number).starts_with('-'));
    }
    return 0;
}
