// Agents that are given up, by an operator or by their silence: what becomes of their units, and of
// themselves when they are heard of again.
#include "fencing_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE_METHOD(FencingLab, "a revoked agent's units are held in doubt until an operator decides") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    done({"agent", "revoke", disk.agent});
    CHECK(card().available_units == Units{10 - 1 - 3});
    CHECK(card().leased_units == Units{0});
    CHECK(row().state == "revoked");
    check_audit();
    SECTION("counted, they are charged") {
        done({"agent", "write-off", disk.agent, "--as", "count"});
        CHECK(card().charged_units == Units{4});
        CHECK(card().available_units == Units{6});
    }
    SECTION("released, they are to be had again") {
        done({"agent", "write-off", disk.agent, "--as", "release"});
        CHECK(card().charged_units == Units{1});
        CHECK(card().available_units == Units{9});
    }
    SECTION("held, they stay") {
        done({"agent", "write-off", disk.agent, "--as", "hold"});
        CHECK(card().available_units == Units{6});
    }
    check_audit();
    CHECK(command({"agent", "write-off", disk.agent, "--as", "gone"}).exit == account::exit_usage);
    CHECK(command({"agent", "revoke", "nobody"}).exit == account::exit_failed);
}

TEST_CASE_METHOD(FencingLab, "what a revoked agent left of a unit, and without one, is the team's") {
    REQUIRE(say_sync(disk, 20));
    REQUIRE(database().number("SELECT count(*) FROM ticket") == 1);
    use(disk, 12'300, 10);
    REQUIRE(say_sync(disk, 2));
    done({"agent", "revoke", disk.agent});
    CHECK(database().number("SELECT count(*) FROM ticket") == 0);
    CHECK(card().remainder == core::Amount{300});
    CHECK(card().overage_units == Units{2});
    free_grant("lab", "render", 5);
    disk = Disk();
    disk.agent = agent("lab");
    REQUIRE(say_hello(disk));
    REQUIRE(say_sync(disk, 0));
    CHECK(card().charged_units == Units{12});
    CHECK(card().overage_units == Units{0});
    CHECK(card().remainder == core::Amount{300});
    check_audit();
    const std::string report = done({"--json", "usage", "lab", "--agent", "custody/lab"});
    const auto rows = boost::json::parse(report).at("rows").as_array();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].at("agent") == "custody/lab");
    CHECK(rows[0].at("usage") == 0);  // the agent's own rows have it
    CHECK(rows[0].at("units") == 2);
}

TEST_CASE_METHOD(FencingLab, "an agent that was given up and comes back settles its units by its own word") {
    REQUIRE(say_sync(disk, 4));
    const std::string as = GENERATE("hold", "count");
    done({"agent", "write-off", disk.agent, "--as", as});
    CHECK(say_sync(disk, 0).error().code == core::ErrorCode::not_found);
    use(disk, 1'000, 1);
    CHECK(say_hello(disk)->verdict == Verdict::ok);
    CHECK(card().charged_units == Units{1});
    CHECK(card().leased_units == Units{3});
    CHECK(done({"agent", "list", "lab"}).find("written-off") == std::string::npos);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "an agent whose units were sold again comes back as another incarnation") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    done({"agent", "write-off", disk.agent, "--as", "release"});
    use(disk, 2'000, 2);
    const auto reply = say_hello(disk);
    CHECK(reply->verdict == Verdict::fenced);
    carry(disk, *reply, 1'000);
    REQUIRE(say_sync(disk, 2));
    disk.used_units = 2;
    disk.commit("covered");
    REQUIRE(say_sync(disk, 0));
    CHECK(card().charged_units == Units{3});
    CHECK_FALSE(row().fenced_at);  // that was no fence of its own doing
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "lost agents are given up by themselves only where the team says when") {
    REQUIRE(say_sync(disk, 4));
    Disk other;
    other.agent = agent("lab");
    REQUIRE(say_hello(other));
    clock.advance(40 * core::day_ms);
    REQUIRE(say_sync(other, 0));
    CHECK(card().leased_units == Units{4});
    done({"team", "set", "lab", "--lost", "release", "--lost-after", "30d"});
    REQUIRE(say_sync(other, 0));
    CHECK(card().leased_units == Units{0});
    CHECK(card().available_units == Units{10});
    CHECK(done({"agent", "list", "lab"}).find("written-off") != std::string::npos);
    CHECK(command({"team", "set", "lab", "--lost-after", "1m"}).exit == account::exit_usage);
    CHECK(command({"team", "set", "lab", "--lost", "sell"}).exit == account::exit_usage);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "who was silent for long isn't given up between its hello and its first sync") {
    REQUIRE(say_sync(disk, 4));
    Disk other;
    other.agent = agent("lab");
    REQUIRE(say_hello(other));
    done({"team", "set", "lab", "--lost", "release", "--lost-after", "30d"});
    clock.advance(40 * core::day_ms);
    SECTION("before anybody missed it") {
        CHECK(say_hello(disk)->verdict == Verdict::ok);
    }
    SECTION("after it was given up") {
        REQUIRE(say_sync(other, 0));
        CHECK(card().leased_units == Units{0});
        CHECK(say_hello(disk)->verdict == Verdict::fenced);
    }
    REQUIRE(say_sync(other, 0));
    CHECK_FALSE(row().written_off_at);
    if (row().incarnation == 1) CHECK(card().leased_units == Units{4});
    disk.incarnation = row().incarnation;
    disk.commit("on");
    if (disk.incarnation > 1) REQUIRE(say_hello(disk)->verdict == Verdict::ok);
    REQUIRE(say_sync(disk, 0));
    clock.advance(31 * core::day_ms);
    REQUIRE(say_sync(other, 0));
    CHECK(row().written_off_at);  // now it is
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "an incarnation of which nothing was heard counts no link of its journal") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    const std::int64_t counted = disk.head.sequence;
    done({"agent", "write-off", disk.agent, "--as", "release"});
    use(disk, 700, 0);
    const auto second = say_hello(disk);
    REQUIRE(second);
    CHECK(second->incarnation == 2);
    CHECK(second->acknowledged.sequence == counted);
    disk.incarnation = 3;  // as an account told it that is lost
    disk.commit("began");
    const auto next = say_hello(disk);
    REQUIRE(next);
    CHECK(next->incarnation == 4);
    CHECK(next->acknowledged.sequence == counted);
}

TEST_CASE_METHOD(FencingLab, "who hears late that it goes on as another incarnation isn't lost any more") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    done({"agent", "write-off", disk.agent, "--as", "release"});
    use(disk, 700, 0);
    REQUIRE(say_hello(disk)->incarnation == 2);  // an answer that is lost on its way
    done({"agent", "write-off", disk.agent, "--as", "hold"});
    REQUIRE(row().written_off_at);
    REQUIRE(say_hello(disk)->incarnation == 2);
    CHECK_FALSE(row().written_off_at);
    check_audit();
}
