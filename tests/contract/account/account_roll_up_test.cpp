// Old usage is rolled up by the month: sums stay, and nothing that may come again goes.
#include "account/usage_roll_up.hpp"

#include <boost/asio/io_context.hpp>
#include <limits>
#include <map>

#include "account/usage_report.hpp"
#include "account/usage_retention.hpp"
#include "core/limits.hpp"
#include "fixture.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/support/commit_job.hpp"
#include "tests/support/files_cannot_grow.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

core::UtcTime at(const char* text) {
    return core::parse_rfc3339(text).value();
}

struct Old : AccountFixture {
    Old() {
        clock.set_wall(at("2024-05-02T12:00:00Z"));
        team_with("lab", "render");
        done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
        one = agent("lab");
        said.session = session("lab", one);
        settled();
        clock.set_wall(at("2026-07-20T12:00:00Z"));
        said.resources = {counters("render", 999, 0, 0)};  // and more than that is no usage of it
    }
    void used(const char* hour, const std::string& resource, const std::string& subject, std::int64_t amount,
              std::int64_t incarnation = 1) {
        database().run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?)",
            one, incarnation, core::hour_of(at(hour)), resource, subject, amount);
    }
    // Rolls up what is older than is set, 24 months at first, a page a slice; how many rows went.
    std::int64_t roll_up() {
        platform::sql::ConnectionTransactions transactions(store().connection());
        account::UsageRollUp work(database(), transactions, clock.wall_now(), settings.keep_usage_ms);
        for (;;) {
            const auto more = work.work([] { return true; });
            INFO((more ? "" : more.error().detail));
            REQUIRE(more);
            if (!*more) return work.rolled_up();
        }
    }
    std::vector<account::UsageRow> by(account::Period period) {
        return *account::team_usage(
            database(), {"lab", at("2020-01-01T00:00:00Z"), at("2050-01-01T00:00:00Z"), period, "", ""});
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
    // One sync that has nothing to tell any more.
    void settled() {
        const auto resources = std::exchange(said.resources, {});
        sync_usage({});
        said.resources = resources;
    }
    static core::wire::UsageRow row(const char* hour, std::int64_t amount) {
        return {"render", core::hour_of(at(hour)), "a", core::Amount{amount}};
    }

    std::string one;
    core::wire::SyncRequest said;
};

}  // namespace

TEST_CASE_METHOD(Old, "usage past its time is kept as sums by the month, and what is younger in full") {
    settled();
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
    settled();
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

TEST_CASE_METHOD(Old, "what an agent that was away over a roll-up was reported of an old hour counts once") {
    settings.keep_usage_ms = core::limits::keep_min_ms;
    clock.set_wall(at("2027-01-31T22:10:00Z"));
    said.resources = {counters("render", 105, 0, 0)};
    sync_usage({row("2027-01-31T22:00:00Z", 105)});
    settled();
    clock.set_wall(at("2027-04-20T22:10:00Z"));  // it is away since, and had 47 more in that hour
    CHECK(roll_up() == 0);
    said.resources = {counters("render", 152, 0, 0)};
    sync_usage({row("2027-01-31T22:00:00Z", 152)});
    CHECK(sum() == 152);
    CHECK(roll_up() == 0);  // its answer may have been lost
    settled();
    CHECK(roll_up() == 1);
    CHECK(sum() == 152);
    CHECK(check_audit().empty());
    ++said.request_number;
    said.usage = {row("2027-04-20T21:00:00Z", 1)};
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::conflict);
}

TEST_CASE_METHOD(Old,
                 "a month may still be reported for 63 days after its end, and is rolled up after that") {
    settings.keep_usage_ms = core::limits::keep_min_ms;
    clock.set_wall(at("2027-01-31T23:10:00Z"));
    said.resources = {counters("render", 105, 0, 0)};
    sync_usage({row("2027-01-31T23:00:00Z", 105)});
    clock.set_wall(at("2027-04-04T23:59:59Z"));
    settled();
    CHECK(roll_up() == 0);
    clock.set_wall(at("2027-04-05T00:00:00Z"));
    CHECK(roll_up() == 0);  // it may have been reported some since
    settled();
    CHECK(roll_up() == 1);
}

TEST_CASE_METHOD(Old, "what is settled of an agent's usage moves once a month") {
    clock.set_wall(at("2026-07-20T12:00:00Z"));
    sync_usage({row("2026-07-20T11:00:00Z", 1)});
    const auto unsettled = [&] { return agent_row("lab", one).unsettled_hour; };
    const auto before = unsettled();
    sync_usage({row("2026-07-20T12:00:00Z", 2)});
    CHECK(unsettled() == before);
    sync_usage({row("2026-07-20T10:00:00Z", 3)}, true);
    CHECK(unsettled() == before);
    clock.set_wall(at("2026-08-01T23:59:00Z"));
    settled();
    CHECK(unsettled() == before);
    clock.set_wall(at("2026-08-03T00:00:00Z"));
    settled();
    CHECK(unsettled() == core::hour_of(at("2026-06-01T00:00:00Z")).number);
}

TEST_CASE_METHOD(Old, "of what a new agent tells in several messages nothing is taken for a month's sum") {
    one = agent("lab");
    said = {};
    said.session = session("lab", one);
    said.resources = {counters("render", 999, 0, 0)};
    sync_usage({row("2024-05-01T00:00:00Z", 7)}, true);
    CHECK(roll_up() == 0);
    sync_usage({row("2024-05-03T00:00:00Z", 5)}, true);
    CHECK(sum() == 12);
    sync_usage({row("2024-05-04T00:00:00Z", 1)});
    CHECK(roll_up() == 0);
    settled();
    CHECK(roll_up() == 2);
    CHECK(sum() == 13);
}

// It is reported usage of hours of up to 62 days ago, tells it when it can, in parts, with answers lost, and
// is away for up to a year; the account rolls up at any time.
TEST_CASE_METHOD(Old, "whenever an agent tells what it was reported, each of its units counts once") {
    const std::uint64_t seed = GENERATE(range(1, 9));
    INFO("seed " << seed);
    settings.keep_usage_ms = core::limits::keep_min_ms;
    SeededRandom draw(seed);
    const auto below = [&](std::int64_t limit) { return draw.below(limit); };
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> journal;  // by hour and subject
    auto pending = journal;
    std::int64_t metered = 0;
    const auto report = [&] {
        const std::int64_t age_ms = below(3) == 0 ? below(core::hour_ms) : below(62 * core::day_ms + 1);
        const core::UtcHour hour = core::hour_of(clock.wall_now() + -age_ms);
        const std::pair<std::int64_t, std::string> key{hour.number, below(2) == 0 ? "a" : "b"};
        const std::int64_t amount = 1 + below(100);
        metered += amount;
        pending[key] = journal[key] += amount;
    };
    const auto tell = [&](bool all_of_it) {
        std::vector<core::wire::UsageRow> rows;
        for (const auto& [key, amount] : pending)
            if (all_of_it || below(2) == 0)
                rows.push_back({"render", {key.first}, key.second, core::Amount{amount}});
        said.resources.clear();
        if (!rows.empty()) said.resources.push_back(counters("render", metered, 0, 0));
        sync_usage(rows, !all_of_it);
        if (all_of_it) REQUIRE(sum() == metered);
        if (below(3) == 0) return;  // the answer is lost
        for (const auto& row : rows) pending.erase({row.hour.number, row.subject});
    };
    std::int64_t rolled_up = 0;
    for (int step = 0; step < 150; ++step) {
        INFO("step " << step);
        const std::int64_t longest_hours = below(12) == 0 ? 8'760 : below(8) == 0 ? 1'000 : 30;
        clock.set_wall(clock.wall_now() + below(longest_hours) * core::hour_ms);
        for (std::int64_t reports = below(3); reports > 0; --reports) report();
        if (below(2) == 0) rolled_up += roll_up();
        if (below(3) > 0) tell(below(4) > 0);
    }
    tell(true);
    CHECK(rolled_up > 20);
    CHECK(check_audit().empty());
}

TEST_CASE_METHOD(Old,
                 "a total of an hour that went into a month's sum is neither refused nor counted twice") {
    settings.keep_usage_ms = core::limits::keep_min_ms;
    clock.set_wall(at("2027-01-31T22:10:00Z"));
    said.resources = {counters("render", 105, 0, 0)};
    sync_usage({row("2027-01-31T22:00:00Z", 105)});
    // As a version left it that rolled up all that was settled.
    database().run("UPDATE usage SET hour = ?", core::hour_of(at("2027-01-01T00:00:00Z")));
    database().run("UPDATE agent SET unsettled_hour = NULL");
    clock.set_wall(at("2027-04-20T22:10:00Z"));
    said.resources = {counters("render", 152, 0, 0)};
    ++said.request_number;
    said.usage = {row("2027-01-31T22:00:00Z", 153)};
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::conflict);
    for (int i = 0; i < 3; ++i) {  // the same again changes nothing
        sync_usage({row("2027-01-31T22:00:00Z", 152)});
        CHECK(sum() == 152);
    }
    CHECK(database().number("SELECT count(*) FROM usage") == 1);

    said.resources = {counters("render", 400, 0, 0)};
    const core::wire::UsageRow other{"render", core::hour_of(at("2027-01-31T22:00:00Z")), "b",
                                     core::Amount{5}};
    sync_usage({row("2027-01-31T22:00:00Z", 153), row("2027-01-30T10:00:00Z", 170), other});
    CHECK(sum() == 170 + 5);
    CHECK(account::audit(database(), "lab", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Old, "who is no agent any more sends nothing, and all that is old of it is rolled up") {
    used("2024-06-03T00:00:00Z", "render", "a", 3);
    CHECK(roll_up() == 0);
    done({"agent", "revoke", one});
    CHECK(roll_up() == 1);
}

TEST_CASE_METHOD(Old, "an agent's usage beyond every figure keeps nobody else's from being rolled up") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::string other = agent("lab");
    if (one < other) std::swap(one, other);
    used("2024-05-10T10:00:00Z", "render", "a", 3);
    std::swap(one, other);  // that comes before it
    for (int day = 10; day < 26; ++day)
        for (const char* hour : {"T10:00:00Z", "T20:00:00Z"})
            used(("2024-05-" + std::to_string(day) + hour).c_str(), "render", "a", std::int64_t{1} << 58);
    for (const std::string& id : {one, other}) done({"agent", "revoke", id});
    const auto kept = [&](const std::string& id) {
        return database().number("SELECT amount FROM usage WHERE agent = ? AND hour = ?", id,
                                 core::hour_of(at("2024-05-01T00:00:00Z")));
    };
    CHECK(roll_up() == 33);
    CHECK(kept(other) == 3);
    CHECK(kept(one) == most);
    used("2024-05-30T10:00:00Z", "render", "a", std::int64_t{1} << 58);
    CHECK(roll_up() == 1);
    CHECK(kept(one) == most);
    CHECK(by(account::Period::month).size() == 2);
}

TEST_CASE_METHOD(Old, "a roll-up of many rows goes on page by page") {
    settled();
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
    settled();
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

TEST_CASE_METHOD(Old,
                 "what waits behind a roll-up that failed with an unknown outcome is never stored unanswered",
                 "[folder]") {
    settled();
    used("2024-05-10T10:00:00Z", "render", "a", 3);
    boost::asio::io_context loop(1);
    platform::sql::ConnectionTransactions transactions(store().connection());
    platform::store::StoreThread thread(loop, transactions, platform::store::Placement::in_place);
    platform::system::Log log;
    int lost = 0;
    account::UsageRetention retention(loop, thread, transactions, store(), log,
                                      [&lost](const core::Error&) { ++lost; });
    retention.start();
    {
        const FilesCannotGrow fault;
        loop.poll();
    }
    REQUIRE(lost == 1);
    auto job = std::make_unique<Job>();
    std::optional<bool> stored;
    job->on_apply = [this] { database().run("DELETE FROM usage"); };
    job->on_finish = [&stored](const core::Result<void>& committed) { stored = committed.has_value(); };
    thread.submit(std::move(job));
    retention.stop();
    thread.stop();
    CHECK(stored == false);
    CHECK(database().number("SELECT count(*) FROM usage") == 1);
}
