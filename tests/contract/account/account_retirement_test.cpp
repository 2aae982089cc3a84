// Retiring against a real store: what becomes of an agent's remainders, slots, lease and place in the line,
// and who is heard afterwards.
#include "account/retirement.hpp"

#include "account/audit.hpp"
#include "account/catalogue.hpp"
#include "account/pool.hpp"
#include "account/standing.hpp"
#include "account/team_cards.hpp"
#include "core/wire_retirement.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;
using core::wire::RetireReply;
using core::wire::RetireRequest;

namespace {

struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        free_grant("lab", "render", 10);
        one = agent("lab");
        two = agent("lab");
        session_of_one = session("lab", one);
    }
    // Agent one syncs: so much metered, so many units used, and it asks for more.
    core::Result<core::wire::SyncReply> say_sync(std::int64_t metered, std::int64_t used, std::int64_t need) {
        core::wire::SyncRequest said;
        said.session = session_of_one;
        said.request_number = ++requests;
        said.resources = {said_of(metered, used)};
        said.resources.front().need = Units{need};
        said.head.sequence = requests;
        return sync("lab", one, said);
    }
    core::wire::ResourceCounters said_of(std::int64_t metered, std::int64_t used) const {
        auto said = counters("render", metered, 0, 0, {});
        if (used > 0) said.tranches = {{"t1", Units{used}, Units{0}, {{{472'222}, Units{used}}}}};
        said.overage_units = Units{metered / 1'000 - used};
        return said;
    }
    RetireRequest last_word(std::int64_t metered, std::int64_t used) {
        RetireRequest said;
        said.session = session_of_one;
        said.resources = {said_of(metered, used)};
        said.slots = {{"render", "t1"}};
        said.head.sequence = requests + 1;
        return said;
    }
    core::Result<RetireReply> say_last_word(const RetireRequest& said) {
        const std::string receipt = "receipt " + std::to_string(++receipts);
        return in_transaction(
            [&] { return account::retire(exchange(), agent_row("lab", one), said, receipt); });
    }

    std::string one;
    std::string two;
    std::string session_of_one;
    std::int64_t requests = 0;
    int receipts = 0;
};

}  // namespace

TEST_CASE_METHOD(Lab, "an agent that retires leaves its remainder with its slot, and the rest of its lease") {
    REQUIRE(say_sync(0, 0, 4));
    const auto reply = say_last_word(last_word(2'300, 2));
    REQUIRE(reply);
    CHECK(reply->receipt == "receipt 1");
    CHECK(agent_row("lab", one).state == "retired");
    CHECK(card().charged_units == Units{2});
    CHECK(card().leased_units == Units{1});  // the slot that came with 300 ms
    CHECK(card().remainder == core::Amount{300});
    check_audit();
}

TEST_CASE_METHOD(Lab, "a last word that is said again gets the same receipt, and does nothing twice") {
    REQUIRE(say_sync(0, 0, 4));
    REQUIRE(say_last_word(last_word(2'300, 2)));
    RetireRequest again = last_word(2'300, 2);
    CHECK(say_last_word(again)->receipt == "receipt 1");
    again.session.clear();
    CHECK(say_last_word(again)->receipt == "receipt 1");
    CHECK(card().charged_units == Units{2});
    CHECK(card().remainder == core::Amount{300});
    check_audit();
}

TEST_CASE_METHOD(Lab, "a last word outside of its session is no word, and leaves no trace") {
    const std::string before = session_of_one;
    session_of_one = session("lab", one);
    REQUIRE(say_sync(0, 0, 4));
    RetireRequest late = last_word(2'300, 2);
    late.session = before;
    CHECK(say_last_word(late).error().code == core::ErrorCode::not_found);
    RetireRequest nobodys = late;
    nobodys.session.clear();
    CHECK(say_last_word(nobodys).error().code == core::ErrorCode::not_found);
    CHECK(agent_row("lab", one).state == "active");
    CHECK(card().charged_units == Units{0});
    CHECK(database().number("SELECT count(*) FROM evidence") == 0);
}

TEST_CASE_METHOD(Lab, "while more of its usage is to come an agent isn't retired yet") {
    REQUIRE(say_sync(0, 0, 4));
    RetireRequest part = last_word(2'300, 2);
    part.more_usage = true;
    const auto reply = say_last_word(part);
    REQUIRE(reply);
    CHECK(reply->receipt.empty());
    CHECK(agent_row("lab", one).state == "active");
    CHECK_FALSE(say_last_word(last_word(2'300, 2))->receipt.empty());
    check_audit();
}

TEST_CASE_METHOD(Lab,
                 "what completes a unit with what is in custody already takes the slot that came along") {
    REQUIRE(say_sync(0, 0, 4));
    REQUIRE(say_last_word(last_word(700, 0)));
    CHECK(card().charged_units == Units{0});
    one = two;
    session_of_one = session("lab", two);
    requests = 0;
    REQUIRE(say_sync(0, 0, 1));
    REQUIRE(say_last_word(last_word(500, 0)));
    CHECK(card().charged_units == Units{1});
    CHECK(card().remainder == core::Amount{200});
    CHECK(card().leased_units == Units{1});
    check_audit();
}

TEST_CASE_METHOD(Lab,
                 "a unit completed in custody is drawn from the first tier that has one, not from its slot") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--cap", "9"});
    REQUIRE(say_sync(0, 0, 10));  // all that is free
    const std::string first = std::exchange(one, two);
    const std::string session_of_first = std::exchange(session_of_one, session("lab", two));
    requests = 0;
    REQUIRE(say_sync(0, 0, 2));
    RetireRequest leaves_payg = last_word(700, 0);
    leaves_payg.slots = {{"render", "t2"}};
    REQUIRE(say_last_word(leaves_payg));
    one = first;
    session_of_one = session_of_first;
    RetireRequest completes = last_word(500, 0);
    completes.slots.clear();
    REQUIRE(say_last_word(completes));
    CHECK(database().number("SELECT charged FROM tranche WHERE tier = 'free'") == 1);
    CHECK(database().number("SELECT charged FROM tranche WHERE tier = 'payg'") == 0);
    CHECK(card().leased_units == Units{0});
    CHECK(card().remainder == core::Amount{200});
    check_audit();
}

TEST_CASE_METHOD(Lab, "overage that is handed over is charged as soon as there are units for it") {
    REQUIRE(say_last_word(last_word(12'000, 0)));
    CHECK(card().charged_units == Units{10});
    CHECK(card().overage_units == Units{2});
    free_grant("lab", "render", 5);
    session_of_one = session("lab", two);
    one = two;
    requests = 0;
    REQUIRE(say_sync(0, 0, 0));
    CHECK(card().charged_units == Units{12});
    CHECK(card().overage_units == Units{0});
    check_audit();
}

TEST_CASE_METHOD(Lab, "overage of whoever has gone takes units of a new grant, though nobody syncs") {
    REQUIRE(say_last_word(last_word(12'000, 0)));
    CHECK(card().overage_units == Units{2});
    free_grant("lab", "render", 1);
    CHECK(card().charged_units == Units{11});
    CHECK(card().overage_units == Units{1});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    CHECK(card().charged_units == Units{12});
    CHECK(card().overage_units == Units{0});
    check_audit();
}

TEST_CASE_METHOD(Lab,
                 "overage of whoever has gone takes units of a grant that has begun when somebody looks") {
    REQUIRE(say_last_word(last_word(12'000, 0)));
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5", "--starts",
          core::format_rfc3339(clock.wall_now() + core::hour_ms)});
    CHECK(card().overage_units == Units{2});
    done({"balance", "lab"});
    CHECK(card().overage_units == Units{2});
    clock.advance(2 * core::hour_ms);
    done({"balance", "lab"});
    CHECK(card().charged_units == Units{12});
    CHECK(card().overage_units == Units{0});
    check_audit();
}

TEST_CASE_METHOD(Lab, "overage of whoever has gone takes units of each new cycle when somebody looks") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "3", "--refresh",
          "cycle"});
    REQUIRE(say_last_word(last_word(17'000, 0)));
    CHECK(card().overage_units == Units{4});
    clock.advance(40 * core::day_ms);
    done({"balance", "lab"});
    CHECK(card().overage_units == Units{1});
    check_audit();
}

TEST_CASE_METHOD(Lab, "who retires leaves the line, and a slot that it doesn't hold isn't handed over") {
    REQUIRE(say_sync(0, 0, 20));
    CHECK(database().number("SELECT count(*) FROM ticket") == 1);
    RetireRequest said = last_word(10'300, 10);
    said.slots = {{"render", "t1"}, {"render", "t9"}, {"scan", "t1"}};
    REQUIRE(say_last_word(said));
    CHECK(database().number("SELECT count(*) FROM ticket") == 0);
    CHECK(card().charged_units == Units{10});
    CHECK(card().leased_units == Units{0});
    CHECK(card().remainder == core::Amount{300});
    check_audit();
}

TEST_CASE_METHOD(Lab, "a retired agent is served nothing but its receipt") {
    REQUIRE(say_last_word(last_word(0, 0)));
    const std::string certificate = database()
                                        .first(
                                            "SELECT certificate_fingerprint FROM agent WHERE id = ?",
                                            [](auto& row) { return row.string(0); }, one)
                                        .value();
    using account::Purpose;
    const auto served = [&](Purpose purpose) {
        const auto admission = account::admit(database(), certificate, purpose, clock.wall_now());
        return std::holds_alternative<account::Agent>(admission);
    };
    CHECK_FALSE(served(Purpose::exchange));
    CHECK_FALSE(served(Purpose::renew));
    CHECK(served(Purpose::retire));
}

TEST_CASE_METHOD(Lab, "counters that no honest agent has retire nobody") {
    REQUIRE(say_sync(0, 0, 4));
    CHECK(say_last_word(last_word(9'000, 9)).error().code == core::ErrorCode::conflict);
    CHECK(agent_row("lab", one).state == "active");
}
