// Local days in the system's time zones. All zones and years: cycles/against_zoneinfo.py.
#include "platform/zones/time_zone.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox;
using core::LocalDate;
using platform::zones::TimeZone;
using namespace std::chrono_literals;

namespace {

std::string first_instant(const char* zone, LocalDate date) {
    const auto found = TimeZone::find(zone);
    REQUIRE(found);
    return core::format_rfc3339(found->first_instant(date));
}

}  // namespace

TEST_CASE("a local day begins at its zone's midnight, in summer and in winter") {
    CHECK(first_instant("UTC", 2026y / 7 / 15) == "2026-07-15T00:00:00Z");
    CHECK(first_instant("Europe/Paris", 2026y / 7 / 15) == "2026-07-14T22:00:00Z");
    CHECK(first_instant("Europe/Paris", 2026y / 1 / 15) == "2026-01-14T23:00:00Z");
    CHECK(first_instant("Asia/Kathmandu", 2026y / 7 / 15) == "2026-07-14T18:15:00Z");
}

TEST_CASE("a day whose midnight is skipped begins where the clocks land") {
    CHECK(first_instant("America/Sao_Paulo", 2018y / 11 / 4) == "2018-11-04T03:00:00Z");  // at 01:00
    CHECK(first_instant("Africa/Cairo", 2026y / 4 / 24) == "2026-04-23T22:00:00Z");
}

TEST_CASE("a day whose midnight is shown twice begins at the first") {
    CHECK(first_instant("America/Havana", 2026y / 11 / 1) == "2026-11-01T04:00:00Z");
}

TEST_CASE("a day that the zone skipped begins with the one after it") {
    CHECK(first_instant("Pacific/Apia", 2011y / 12 / 30) == first_instant("Pacific/Apia", 2011y / 12 / 31));
}

TEST_CASE("the date of a moment is the zone's") {
    const auto zone = TimeZone::find("Pacific/Auckland");
    REQUIRE(zone);
    CHECK(zone->date_of(core::parse_rfc3339("2026-07-14T11:59:59Z").value()) == LocalDate{2026y / 7 / 14});
    CHECK(zone->date_of(core::parse_rfc3339("2026-07-14T12:00:00Z").value()) == LocalDate{2026y / 7 / 15});
}

TEST_CASE("what is no IANA zone is refused in one line that says what is needed") {
    for (const char* name :
         {"Mars/Olympus", "", "Europe", "europe/paris/", "../../etc/passwd", "/etc/localtime", "localtime",
          "posix/UTC", "right/UTC", "Fixed/UTC+01:00:00", "tzdata.zi", "UTC\n", "Factory", "zone.tab"}) {
        INFO(name);
        const auto zone = TimeZone::find(name);
        REQUIRE_FALSE(zone);
        CHECK(zone.error().code == core::ErrorCode::invalid);
        CHECK(zone.error().detail.find("an IANA name like Europe/Paris or UTC is needed") !=
              std::string::npos);
    }
}
