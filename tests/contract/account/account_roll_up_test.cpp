// Old usage is rolled up by the month: sums stay, and nothing that may come again goes.
#include "account/usage_roll_up.hpp"

#include "account/usage_report.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

core::UtcTime at(const char* text) {
    return core::parse_rfc3339(text).value();
}

struct Old : AccountFixture {
    Old() {
        clock.set_wall(at("2026-07-20T12:00:00Z"));
        team_with("lab", "render");
        done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
        one = agent("lab");
        said.session = session("lab", one);
        said.resources = {counters("render", 999, 0, 0)};  // and more than that is no usage of it
    }
    void used(const char* hour, const std::string& resource, const std::string& subject, std::int64_t amount,
              std::int64_t incarnation = 1) {
        database().run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?)",
            one, incarnation, core::hour_of(at(hour)), resource, subject, amount);
    }
    // Rolls up what is older than 24 months, a page a slice; how many rows went.
    std::int64_t roll_up() {
        account::UsageRollUp work(database(), clock.wall_now(), std::int64_t{731} * core::day_ms);
        while (*work.work([] { return true; })) {
        }
        return work.rolled_up();
    }
    std::vector<account::UsageRow> by(account::Period period) {
        return *account::team_usage(
            database(), {"lab", at("2020-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), period, "", ""});
    }
    std::int64_t sum(const std::string& resource = "render") {
        std::int64_t usage = 0;
        for (const auto& row : by(account::Period::hour))
            if (row.resource == resource) usage += row.usage.value();
        return usage;
    }
    // One sync that says this usage, and whether that is all.
    void sync_usage(std::vector<core::wire::UsageRow> rows, bool more = false) {
        ++said.request_number;
        said.usage = std::move(rows);
        said.more_usage = more;
        REQUIRE(sync("lab", one, said));
    }
    static core::wire::UsageRow row(const char* hour, std::int64_t amount) {
        return {"render", core::hour_of(at(hour)), "a", core::Amount{amount}};
    }

    std::string one;
    core::wire::SyncRequest said;
};

}  // namespace

TEST_CASE_METHOD(Old, "usage past its time is kept as sums by the month, and what is younger in full") {
    used("2024-05-01T00:00:00Z", "render", "a", 1);
    used("2024-05-31T23:00:00Z", "render", "a", 2);
    used("2024-05-31T23:00:00Z", "render", "b", 4);
    used("2024-06-15T10:00:00Z", "render", "a", 8);
    used("2024-06-15T10:00:00Z", "render", "a", 16, 2);
    begin_second_incarnation(one);
    used("2024-07-01T00:00:00Z", "render", "a", 32);  // of a month that has days younger than that
    used("2024-07-02T00:00:00Z", "render", "a", 64);
    const auto months = by(account::Period::month);
    CHECK(sum() == 127);
    CHECK(roll_up() == 4);
    CHECK(sum() == 127);
    const auto after = by(account::Period::month);
    REQUIRE(after.size() == months.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        CHECK(after[i].from == months[i].from);
        CHECK(after[i].subject == months[i].subject);
        CHECK(after[i].usage == months[i].usage);
    }
    CHECK(by(account::Period::day).size() == 5);
    CHECK(roll_up() == 0);
}

TEST_CASE_METHOD(Old, "of what was held the most stays, not a sum") {
    used("2024-05-03T00:00:00Z", "seats", "job", 3);
    used("2024-05-04T00:00:00Z", "seats", "job", 5);
    used("2024-05-05T00:00:00Z", "seats", "job", 4);
    CHECK(roll_up() == 3);
    CHECK(sum("seats") == 5);
}

TEST_CASE_METHOD(Old, "what an agent may send again is left alone until it is settled") {
    sync_usage({row("2024-05-03T00:00:00Z", 7), row("2026-07-20T11:00:00Z", 1)});
    CHECK(roll_up() == 0);
    // Its answer was lost, and it says the same again: nothing is counted twice.
    sync_usage({row("2024-05-03T00:00:00Z", 7), row("2026-07-20T11:00:00Z", 1)}, true);
    CHECK(roll_up() == 0);
    sync_usage({row("2026-07-20T11:00:00Z", 2)}, true);  // there is more that it didn't name
    CHECK(roll_up() == 0);
    sync_usage({row("2026-07-20T11:00:00Z", 3)});
    CHECK(roll_up() == 1);
    CHECK(sum() == 10);
    said.resources.clear();  // nothing more to say
    sync_usage({});
    CHECK(roll_up() == 0);
    CHECK(sum() == 10);
}

TEST_CASE_METHOD(Old, "a roll-up of many rows goes on page by page") {
    REQUIRE(store().connection().begin());
    const std::int64_t first = core::hour_of(at("2024-05-01T00:00:00Z")).number;
    for (std::int64_t i = 0; i < 700; ++i)
        database().run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, 1, ?, "
            "'render', '', 1)",
            one, first + i);
    REQUIRE(store().connection().commit());
    CHECK(roll_up() == 699);
    CHECK(database().number("SELECT count(*) FROM usage") == 1);
    CHECK(sum() == 700);
}

TEST_CASE_METHOD(Old, "a report finer than what is kept of old months is refused, not wrong") {
    used("2024-05-10T10:00:00Z", "render", "a", 3);
    used("2024-07-20T10:00:00Z", "render", "a", 4);
    CHECK(roll_up() == 1);
    const auto usage = [&](const std::string& from, const std::string& to, const std::string& by) {
        return command({"usage", "lab", "--from", from, "--to", to, "--by", by, "--json"});
    };
    const auto found = [&](const std::string& from, const std::string& to, const std::string& by,
                           const char* amount) {
        const account::Outcome outcome = usage(from, to, by);
        INFO(outcome.err);
        return outcome.exit == account::exit_done && outcome.out.find(amount) != std::string::npos;
    };
    CHECK(found("2024-05-01", "2024-06-01", "month", "\"usage\":3,"));
    CHECK(found("2024-01-01", "2026-01-01", "month", "\"usage\":3,"));
    CHECK(found("2024-07-15", "2024-07-21", "hour", "\"usage\":4,"));
    CHECK(found("2024-06-01", "2024-07-21", "hour", "\"usage\":4,"));  // nothing is there of before
    const std::vector<std::array<const char*, 3>> too_fine{{"2024-05-01", "2024-06-01", "day"},
                                                           {"2024-01-01", "2026-01-01", "hour"},
                                                           {"2024-05-02", "2026-01-01", "month"},
                                                           {"2024-05-01", "2024-05-31", "month"}};
    for (const auto& [from, to, by] : too_fine) {
        const account::Outcome outcome = usage(from, to, by);
        INFO(from << " " << to << " " << by);
        CHECK(outcome.exit == account::exit_failed);
        CHECK(outcome.err.find("before 2024-07-01T00:00:00Z is kept by month") != std::string::npos);
    }
}
