// Times and durations as texts: each format, its limits from both sides, and the way back.
#include "core/time.hpp"

#include <limits>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/samples.hpp"

using namespace meterbox::core;
using meterbox::tests::Samples;

namespace {
std::optional<std::int64_t> ms_of(std::string_view text) {
    const std::optional<UtcTime> time = parse_rfc3339(text);
    return time ? std::optional{time->ms} : std::nullopt;
}
constexpr std::int64_t new_year_2026 = 1'767'225'600'000;
}  // namespace

TEST_CASE("a time is read in each form that RFC 3339 allows") {
    CHECK(ms_of("1970-01-01T00:00:00Z") == 0);
    CHECK(ms_of("2026-01-01T00:00:00Z") == new_year_2026);
    CHECK(ms_of("2026-01-01t00:00:00z") == new_year_2026);
    CHECK(ms_of("2026-01-01T00:00:00+00:00") == new_year_2026);
    CHECK(ms_of("2026-01-01T00:00:00-00:00") == new_year_2026);
    CHECK(ms_of("2026-01-01T05:30:00+05:30") == new_year_2026);
    CHECK(ms_of("2025-12-31T16:00:00-08:00") == new_year_2026);
    CHECK(ms_of("2026-01-01T00:00:00.5Z") == new_year_2026 + 500);
    CHECK(ms_of("2026-01-01T00:00:00.123999999Z") == new_year_2026 + 123);
    CHECK(ms_of("2026-01-01T00:00:00.0009Z") == new_year_2026);
    CHECK(ms_of("1969-12-31T23:59:59.999Z") == -1);
}

TEST_CASE("an offset reaches from -23:59 to +23:59") {
    CHECK(ms_of("2026-01-01T23:59:00+23:59") == new_year_2026);
    CHECK(ms_of("2025-12-31T00:01:00-23:59") == new_year_2026);
    CHECK_FALSE(ms_of("2026-01-01T00:00:00+24:00"));
    CHECK_FALSE(ms_of("2026-01-01T00:00:00-24:00"));
    CHECK_FALSE(ms_of("2026-01-01T00:00:00+00:60"));
}

TEST_CASE("only days that the calendar has are taken") {
    CHECK(ms_of("2024-02-29T00:00:00Z"));
    CHECK_FALSE(ms_of("2025-02-29T00:00:00Z"));
    CHECK(ms_of("2000-02-29T00:00:00Z"));
    CHECK_FALSE(ms_of("1900-02-29T00:00:00Z"));
    CHECK(ms_of("2026-04-30T00:00:00Z"));
    CHECK_FALSE(ms_of("2026-04-31T00:00:00Z"));
    CHECK_FALSE(ms_of("2026-00-01T00:00:00Z"));
    CHECK_FALSE(ms_of("2026-13-01T00:00:00Z"));
    CHECK_FALSE(ms_of("2026-01-00T00:00:00Z"));
    CHECK_FALSE(ms_of("2026-01-32T00:00:00Z"));
    CHECK(ms_of("2026-01-01T23:59:59Z"));
    CHECK_FALSE(ms_of("2026-01-01T24:00:00Z"));
    CHECK_FALSE(ms_of("2026-01-01T00:60:00Z"));
    CHECK_FALSE(ms_of("2026-01-01T00:00:61Z"));
}

TEST_CASE("a leap second is the last millisecond of its minute, and only where one can be") {
    CHECK(ms_of("2016-12-31T23:59:60Z") == 1'483'228'799'999);
    CHECK(ms_of("2016-12-31T23:59:60.250Z") == 1'483'228'799'999);
    CHECK(ms_of("1990-12-31T15:59:60-08:00") == ms_of("1990-12-31T23:59:59.999Z"));
    CHECK_FALSE(ms_of("2016-12-31T23:58:60Z"));
    CHECK_FALSE(ms_of("2016-12-30T23:59:60Z"));
    CHECK_FALSE(ms_of("2016-12-31T23:59:60+01:00"));
}

TEST_CASE("the years are 0001 to 9999, offsets counted in") {
    CHECK(ms_of("0001-01-01T00:00:00Z") == -62'135'596'800'000);
    CHECK(ms_of("9999-12-31T23:59:59.999Z") == 253'402'300'799'999);
    CHECK_FALSE(ms_of("0000-12-31T23:59:59Z"));
    CHECK_FALSE(ms_of("0001-01-01T00:00:00+00:01"));
    CHECK_FALSE(ms_of("9999-12-31T23:59:59-00:01"));
    CHECK_FALSE(ms_of("10000-01-01T00:00:00Z"));
}

TEST_CASE("what is nearly a time is not one") {
    const char* texts[] = {"",
                           "lunchtime",
                           "2026-01-01",
                           "2026-01-01T00:00Z",
                           "2026-01-01T00:00:00",
                           "2026-01-01T00:00:00X",
                           "2026-01-01T00:00:00+05",
                           "2026-01-01T00:00:00+0530",
                           "2026-01-01T00:00:00+xx:00",
                           "2026-01-01 00:00:00Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00,5Z",
                           "2026-01-01T00:00:00ZZ",
                           " 2026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00Z ",
                           "2026-1-1T0:0:0Z",
                           "+2026-01-01T00:00:00Z",
                           "-001-01-01T00:00:00Z",
                           "2026-01-01T00:00:-1Z",
                           "20260101T000000Z"};
    for (const char* text : texts) {
        INFO(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

TEST_CASE("each beginning of a time is not a time") {
    const std::string text = "2026-01-01T00:00:00.125+01:00";
    REQUIRE(parse_rfc3339(text));
    for (std::size_t size = 0; size < text.size(); ++size) {
        INFO(text.substr(0, size));
        CHECK_FALSE(parse_rfc3339(text.substr(0, size)));
    }
}

TEST_CASE("a time is written shortest and in UTC") {
    CHECK(format_rfc3339({0}) == "1970-01-01T00:00:00Z");
    CHECK(format_rfc3339({-1}) == "1969-12-31T23:59:59.999Z");
    CHECK(format_rfc3339({new_year_2026 + 120}) == "2026-01-01T00:00:00.120Z");
    CHECK(format_rfc3339({new_year_2026 + 7}) == "2026-01-01T00:00:00.007Z");
    CHECK(format_rfc3339({-62'135'596'800'000}) == "0001-01-01T00:00:00Z");
}

TEST_CASE("a time beyond the calendar is written as its end") {
    CHECK(format_rfc3339({std::numeric_limits<std::int64_t>::max()}) == "9999-12-31T23:59:59.999Z");
    CHECK(format_rfc3339({std::numeric_limits<std::int64_t>::min()}) == "0001-01-01T00:00:00Z");
}

TEST_CASE("each time comes back as it was written") {
    Samples random{20261123};
    for (int i = 0; i < 20'000; ++i) {
        const UtcTime time{random.between(-62'135'596'800'000, 253'402'300'799'999)};
        INFO(time.ms);
        REQUIRE(parse_rfc3339(format_rfc3339(time)) == time);
    }
}

TEST_CASE("every day of four centuries is written and read as the day after the one before") {
    UtcTime day = *parse_rfc3339("1900-01-01T00:00:00Z");
    const UtcTime end = *parse_rfc3339("2300-01-01T00:00:00Z");
    int days = 0;
    for (; day < end; day = day + day_ms, ++days) REQUIRE(parse_rfc3339(format_rfc3339(day)) == day);
    CHECK(days == 146'097);
}

TEST_CASE("an hour is a floor, also before 1970") {
    CHECK(hour_of({0}).number == 0);
    CHECK(hour_of({hour_ms - 1}).number == 0);
    CHECK(hour_of({hour_ms}).number == 1);
    CHECK(hour_of({-1}).number == -1);
    CHECK(hour_of({-hour_ms}).number == -1);
    CHECK(hour_of({-hour_ms - 1}).number == -2);
}

TEST_CASE("an ISO 8601 duration of weeks to seconds is read to the millisecond") {
    CHECK(parse_iso8601_duration_ms("PT1M") == 60'000);
    CHECK(parse_iso8601_duration_ms("PT60S") == 60'000);
    CHECK(parse_iso8601_duration_ms("PT12M30S") == 750'000);
    CHECK(parse_iso8601_duration_ms("PT12M30.5S") == 750'500);
    CHECK(parse_iso8601_duration_ms("PT0.001S") == 1);
    CHECK(parse_iso8601_duration_ms("PT0,25S") == 250);
    CHECK(parse_iso8601_duration_ms("P1DT2H") == 26 * hour_ms);
    CHECK(parse_iso8601_duration_ms("P2W") == 14 * day_ms);
    CHECK(parse_iso8601_duration_ms("P1W2D") == 9 * day_ms);
    CHECK(parse_iso8601_duration_ms("P1D") == day_ms);
    CHECK(parse_iso8601_duration_ms("PT36H") == 36 * hour_ms);
    CHECK(parse_iso8601_duration_ms("PT0S") == 0);
    CHECK(parse_iso8601_duration_ms("P0D") == 0);
    CHECK(parse_iso8601_duration_ms("PT1H0M1S") == hour_ms + 1000);
    CHECK(parse_iso8601_duration_ms("PT1H1S") == hour_ms + 1000);
}

TEST_CASE("a duration with years, months, signs, or finer than a millisecond is refused") {
    const char* texts[] = {
        "",       "P",      "PT",     "P1",    "T1M",   "1M",        "P1Y",       "P1M",    "P1Y2M3D",
        "PT1D",   "P1H",    "P1DT",   "-PT1M", "+PT1M", "PT-1M",     "PT1.5M",    "P1.5D",  "PT1.0H",
        "PT1S1M", "PT1M1M", "PT1S1S", "PT1.S", "PT.5S", "PT1.2345S", "PT1.0000S", "pt1m",   "PT1m",
        "PT1M ",  " PT1M",  "PT1M2",  "PT 1M", "P1D2W", "PTT1M",     "P1DT1HT1M", "PT1e3S", "PTS"};
    for (const char* text : texts) {
        INFO(text);
        CHECK_FALSE(parse_iso8601_duration_ms(text));
    }
}

TEST_CASE("a duration that doesn't fit 64 bits is refused, the last that fits is not") {
    CHECK(parse_iso8601_duration_ms("PT9223372036854775.807S") == std::numeric_limits<std::int64_t>::max());
    CHECK_FALSE(parse_iso8601_duration_ms("PT9223372036854775.808S"));
    CHECK_FALSE(parse_iso8601_duration_ms("PT9223372036854776S"));
    CHECK_FALSE(parse_iso8601_duration_ms("P15250284453W"));
    CHECK_FALSE(parse_iso8601_duration_ms("PT99999999999999999999S"));
    CHECK_FALSE(parse_iso8601_duration_ms("P" + std::string(100'000, '9') + "D"));
    CHECK(parse_iso8601_duration_ms("PT" + std::string(1'000, '0') + "5S") == 5'000);
}

TEST_CASE("a short duration is read, largest unit first and each once") {
    CHECK(parse_short_duration_ms("12m30s") == 750'000);
    CHECK(parse_short_duration_ms("1h") == hour_ms);
    CHECK(parse_short_duration_ms("250ms") == 250);
    CHECK(parse_short_duration_ms("1d") == day_ms);
    CHECK(parse_short_duration_ms("1d2h3m4s5ms") == day_ms + 2 * hour_ms + 3 * minute_ms + 4'005);
    CHECK(parse_short_duration_ms("0s") == 0);
    CHECK(parse_short_duration_ms("90m") == 90 * minute_ms);
    CHECK(parse_short_duration_ms("1m1ms") == minute_ms + 1);
    const char* texts[] = {"",    "1",  "m",  "1.5h", "-1s",   "+1s", "1s1m",  "1s1s",  "1 s", " 1s",
                           "1s ", "1S", "1H", "1w",   "1ms1s", "1y",  "12m30", "1hour", "ms"};
    for (const char* text : texts) {
        INFO(text);
        CHECK_FALSE(parse_short_duration_ms(text));
    }
    CHECK(parse_short_duration_ms("9223372036854775807ms") == std::numeric_limits<std::int64_t>::max());
    CHECK_FALSE(parse_short_duration_ms("9223372036854775808ms"));
    CHECK_FALSE(parse_short_duration_ms("106751991168d"));
}

TEST_CASE("a short duration is written shortest and comes back") {
    CHECK(format_short_duration(0) == "0s");
    CHECK(format_short_duration(750'000) == "12m30s");
    CHECK(format_short_duration(240'000) == "4m");
    CHECK(format_short_duration(day_ms + 1) == "1d1ms");
    CHECK(format_short_duration(60'001) == "1m1ms");
    Samples random{7};
    for (int i = 0; i < 5'000; ++i) {
        const std::int64_t ms = random.between(0, limits::amount_max) >> random.between(0, 52);
        REQUIRE(parse_short_duration_ms(format_short_duration(ms)) == ms);
    }
}
