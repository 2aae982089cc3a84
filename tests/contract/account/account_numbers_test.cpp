// Numbers of tranches: agents go on naming what an account has forgotten that was put back from a copy.
#include "account/learning.hpp"
#include "account/tranche.hpp"
#include "learning_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

constexpr std::int64_t gap_max = std::int64_t{1} << 26;
constexpr std::int64_t of_an_epoch = std::int64_t{1} << 42;

struct Numbers : LearningLab {
    std::int64_t highest() { return number("SELECT max(id) FROM tranche"); }
    // Of the tranche of a grant that is drawn before the others.
    std::int64_t next() {
        done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "50", "--ends",
              core::format_rfc3339(clock.wall_now() + core::day_ms)});
        return highest();
    }
    void begin_epoch(std::int64_t epoch) {
        REQUIRE(store().connection().begin());
        account::begin_epoch(database(), epoch, clock.wall_now(), "a test");
        REQUIRE(store().connection().commit());
    }
    bool is_gap(std::int64_t gap) { return gap > 0 && gap <= gap_max; }
};

}  // namespace

TEST_CASE_METHOD(Numbers, "what was used of a tranche that was forgotten isn't charged to another grant") {
    copy_by_hand();
    const std::int64_t forgotten = next();
    CHECK(say_sync(one, 4) == 4);
    one.tranche = account::tranche_name(forgotten);
    use(one, 3);
    say_sync(one, 0);
    put_back_by_hand();
    const std::int64_t other = next();
    CHECK(other != forgotten);
    leave_behind(one);
    CHECK(number("SELECT count(*) FROM holding WHERE granted > 0") == 0);
    CHECK(number("SELECT sum(charged) FROM tranche") == 0);
    CHECK(number("SELECT overage_units FROM team_resource") == 3);  // until all are heard
    one.used = 0;                                                   // it counts in its incarnation of before
    say_sync(one, 0);
    CHECK(say_hello(two) == Verdict::learning);
    say_sync(two, 0);
    CHECK(number("SELECT sum(charged) FROM tranche") == 3);  // as usage that waited for a unit
    check_audit();
}

TEST_CASE_METHOD(Numbers, "an account begins with t1, and a process counts on by one") {
    CHECK(highest() == 1);
    CHECK(next() == 2);
    CHECK(next() == 3);
}

TEST_CASE_METHOD(Numbers, "the first tranche that a process makes comes after a gap, and no other") {
    reopen();
    const std::int64_t first = next();
    CHECK(is_gap(first - 2));
    CHECK(next() == first + 1);
    reopen();
    CHECK(is_gap(next() - first - 2));
}

TEST_CASE_METHOD(Numbers, "the units of a pool of tokens come after a gap where they are made first") {
    done({"grant", "add", "lab", "--tier", "flex", "--tokens", "100"});
    reopen();
    const std::int64_t before = highest();
    for (const char* resource : {"print", "scan"})
        done({"resource", "add", resource, "--kind", "exhaustible", "--measure", "count", "--unit", "1",
              "--rate-flex", "5"});
    say_sync(one, 0);
    CHECK(number("SELECT count(*) FROM tranche WHERE pool IS NOT NULL") == 2);
    CHECK(is_gap(highest() - 1 - before - 1));
    CHECK(number("SELECT min(id) FROM tranche WHERE pool IS NOT NULL") == highest() - 1);
    const std::int64_t last = highest();
    CHECK(next() == last + 1);
}

TEST_CASE_METHOD(Numbers, "a gap whose tranche was undone is left by the next one") {
    reopen();
    const auto add = account::parse_command_line(
        {"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5"});
    REQUIRE(store().connection().begin());
    REQUIRE(add.command(store()).exit == account::exit_done);
    store().connection().rollback();
    CHECK(highest() == 1);
    CHECK(is_gap(next() - 2));
}

TEST_CASE_METHOD(Numbers, "one that was connected anew leaves a gap again: who knows what was put back") {
    if (!shared()) return;  // a file stays open
    CHECK(next() == 2);
    const std::int64_t own = store().connection().number("SELECT pg_backend_pid()").value();
    const auto other = platform::postgres::Connection::open({url(), account::schema_name, ""});
    REQUIRE(other);
    REQUIRE((*other)->execute("SELECT pg_terminate_backend(" + std::to_string(own) + ", 10000)"));
    const std::int64_t after = next();
    CHECK(is_gap(after - 3));
    CHECK(next() == after + 1);
}

TEST_CASE_METHOD(Numbers, "an epoch's tranches have its numbers, and others when it is begun twice") {
    copy_by_hand();
    std::int64_t begun[2] = {};
    for (const int time : {0, 1}) {
        begin_epoch(3);
        begun[time] = next();
        CHECK(begun[time] > 2 * of_an_epoch);
        CHECK(begun[time] <= 2 * of_an_epoch + gap_max + 1);
        CHECK(next() == begun[time] + 1);
        if (time == 0) put_back_by_hand();
    }
    CHECK(begun[0] != begun[1]);
    begin_epoch(4);
    CHECK(next() > 3 * of_an_epoch);
}

TEST_CASE_METHOD(Numbers, "however often it starts, an epoch's numbers don't run out") {
    reopen();
    const std::int64_t left = 65'535;  // too few for a gap
    REQUIRE(store().connection().begin());
    database().run(
        "INSERT INTO tranche (id, grant_id, team, resource, tier, purchased, available, charged, in_doubt, "
        "expired, leased, starts_at, ended) SELECT ?, grant_id, team, resource, tier, purchased, available, "
        "charged, in_doubt, expired, leased, starts_at, ended FROM tranche WHERE id = 1",
        of_an_epoch - left);
    REQUIRE(store().connection().commit());
    CHECK(next() == of_an_epoch - left + 1);
    reopen();
    CHECK(next() == of_an_epoch - left + 2);
}
