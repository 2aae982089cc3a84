// Which local dates begin a cycle, and which cycle holds a moment. Zones: tests/contract/time_zone_test.cpp.
#include "core/billing_cycle.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox;
using core::LocalDate;
using core::UtcTime;
using namespace std::chrono_literals;

namespace {

// Clocks so many hours ahead of UTC, always.
class Ahead final : public core::LocalCalendar {
public:
    explicit Ahead(std::int64_t hours) : ms_(hours * core::hour_ms) {}
    UtcTime first_instant(LocalDate date) const override {
        return {std::chrono::sys_days{date}.time_since_epoch().count() * core::day_ms - ms_};
    }
    LocalDate date_of(UtcTime time) const override {
        return LocalDate{std::chrono::floor<std::chrono::days>(
            std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.ms + ms_)))};
    }

private:
    std::int64_t ms_;
};

UtcTime at(const char* text) {
    return core::parse_rfc3339(text).value();
}

}  // namespace

TEST_CASE("a month without the anchor's day ends on its last one, and the next has it again") {
    const LocalDate anchor{2026y / 1 / 31};
    CHECK(core::cycle_begins(anchor, 0) == LocalDate{2026y / 1 / 31});
    CHECK(core::cycle_begins(anchor, 1) == LocalDate{2026y / 2 / 28});
    CHECK(core::cycle_begins(anchor, 2) == LocalDate{2026y / 3 / 31});
    CHECK(core::cycle_begins(anchor, 3) == LocalDate{2026y / 4 / 30});
    CHECK(core::cycle_begins(anchor, 25) == LocalDate{2028y / 2 / 29});
    CHECK(core::cycle_begins(anchor, -2) == LocalDate{2025y / 11 / 30});
    CHECK(core::cycle_begins(LocalDate{2028y / 2 / 29}, 12) == LocalDate{2029y / 2 / 28});
}

TEST_CASE("bought on 15 July: 15 July to 14 August, half open, in the purchase's zone") {
    const Ahead zone(2);
    const core::Cycle cycle{at("2026-07-14T22:00:00Z"), at("2026-08-14T22:00:00Z")};
    const LocalDate anchor{2026y / 7 / 15};
    CHECK(core::cycle_at(anchor, zone, cycle.from) == cycle);
    CHECK(core::cycle_at(anchor, zone, cycle.to + -1) == cycle);
    CHECK(core::cycle_at(anchor, zone, cycle.from + -1).to == cycle.from);
    CHECK(core::cycle_at(anchor, zone, cycle.to).from == cycle.to);
    CHECK(cycle.holds(cycle.from));
    CHECK_FALSE(cycle.holds(cycle.to));
}

TEST_CASE("a cycle is found years after its anchor, and years before") {
    const Ahead zone(-5);
    const LocalDate anchor{2026y / 1 / 31};
    CHECK(core::cycle_at(anchor, zone, at("2036-02-10T00:00:00Z")) ==
          core::Cycle{at("2036-01-31T05:00:00Z"), at("2036-02-29T05:00:00Z")});
    CHECK(core::cycle_at(anchor, zone, at("2011-03-01T00:00:00Z")) ==
          core::Cycle{at("2011-02-28T05:00:00Z"), at("2011-03-31T05:00:00Z")});
}

TEST_CASE("a date is ten characters of a day that there is") {
    CHECK(core::parse_date("2026-07-15") == LocalDate{2026y / 7 / 15});
    CHECK(core::parse_date("1969-12-31") == LocalDate{1969y / 12 / 31});
    CHECK(core::parse_date("2028-02-29") == LocalDate{2028y / 2 / 29});
    for (const char* wrong : {"2026-02-29", "2026-13-01", "2026-7-15", "26-07-15", "2026-07-15 ", "",
                              "0000-01-01", "2026-07-15T00:00:00Z"}) {
        INFO(wrong);
        CHECK_FALSE(core::parse_date(wrong));
    }
    CHECK(core::format_date(LocalDate{2026y / 7 / 5}) == "2026-07-05");
    CHECK(core::format_date(LocalDate{1969y / 12 / 31}) == "1969-12-31");
}
