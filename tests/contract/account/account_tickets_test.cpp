// Recall and wait tickets against a real store: who waits, in which order, and what comes back.
#include "account/audit.hpp"
#include "account/tickets.hpp"
#include "core/limits.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;
using core::wire::ResourceCounters;
using core::wire::SyncReply;
using core::wire::TrancheCounters;

namespace {

ResourceCounters said(std::int64_t metered, std::int64_t need, std::int64_t wanted, std::int64_t used = 0,
                      std::int64_t returned = 0) {
    TrancheCounters tranche{"t1", Units{used}, Units{returned}, {}};
    if (used > 0) tranche.hours.push_back({{472'222}, Units{used}});
    return counters("render", metered, need, wanted, {tranche});
}

struct Line : AccountFixture {
    struct Who {
        std::string id;
        std::string session;
        std::int64_t number = 0;
    };
    Line() { team_with("lab", "render"); }

    Who join() {
        Who who;
        who.id = agent("lab");
        who.session = session("lab", who.id);
        return who;
    }
    SyncReply say(Who& who, ResourceCounters counters) {
        core::wire::SyncRequest request;
        request.session = who.session;
        request.request_number = ++who.number;
        request.resources = {std::move(counters)};
        const auto reply = sync("lab", who.id, request);
        REQUIRE(reply);
        return *reply;
    }
    std::int64_t held(const Who& who) {
        return database().number(
            "SELECT coalesce(sum(granted - used - returned), 0) FROM holding WHERE agent = ?", who.id);
    }
    std::int64_t tickets() { return database().number("SELECT count(*) FROM ticket"); }
};

// An agent that has gone left 50 units of overage, and another one has a ticket.
struct LineAndCustody : Line {
    LineAndCustody() {
        free_grant("lab", "render", 2);
        waiting = join();
        REQUIRE(say(waiting, counters("render", 0, 5, 0)).wait_ticket);
        Who gone = join();
        say(gone, counters("render", 50'000, 0, 0));
        done({"agent", "revoke", gone.id});
        REQUIRE(card().overage_units == Units{50});
    }
    // Overage once somebody has looked.
    Units overage() {
        done({"balance", "lab"});
        return card().overage_units;
    }

    Who waiting;
};

}  // namespace

TEST_CASE_METHOD(Line, "worked example 5: a returns 3 unused on recall, and b's next request gets them") {
    free_grant("lab", "render", 5);
    Who a = join();
    Who b = join();
    CHECK_FALSE(say(a, said(0, 5, 1)).wait_ticket);
    CHECK(held(a) == 5);
    const SyncReply refused = say(b, counters("render", 0, 5, 1));
    CHECK(held(b) == 0);
    CHECK(refused.wait_ticket);
    CHECK(refused.next_sync_ms == 10'000);

    const SyncReply asked = say(a, said(1'500, 0, 0, 1));
    REQUIRE(asked.recall.size() == 1);
    CHECK(asked.recall[0].resource == "render");
    CHECK(asked.recall[0].units == Units{3});  // one is used, one in progress
    CHECK(asked.next_sync_ms == 10'000);
    CHECK(say(a, said(1'500, 0, 1, 1, 3)).recall.empty());
    CHECK(held(a) == 1);

    const SyncReply served = say(b, counters("render", 0, 5, 1));
    CHECK(held(b) == 3);
    CHECK(granted(lease_of(served), "render") == 3);
    CHECK(account::audit(database(), "lab", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Line, "returned units go to the oldest ticket, whoever asks first") {
    free_grant("lab", "render", 3);
    Who a = join();
    Who b = join();
    Who c = join();
    say(a, said(0, 3, 0));
    say(b, counters("render", 0, 2, 1));
    say(c, counters("render", 0, 2, 1));
    CHECK(tickets() == 2);
    say(a, said(0, 0, 0, 0, 3));
    say(c, counters("render", 0, 2, 1));
    CHECK(held(c) == 1);  // what the older one doesn't need
    say(a, said(0, 0, 1, 0, 3));
    CHECK(held(a) == 0);  // a reserve comes after all who wait
    say(b, counters("render", 0, 2, 1));
    CHECK(held(b) == 2);
    CHECK(tickets() == 1);  // c lacks one
}

TEST_CASE_METHOD(Line, "a ticket stands for what was needed while its agent polls, and no longer") {
    free_grant("lab", "render", 2);
    Who a = join();
    Who b = join();
    say(a, said(0, 2, 0));
    const auto ticket = say(b, counters("render", 0, 2, 1)).wait_ticket;
    clock.advance(10'000);
    CHECK(say(b, counters("render", 0, 0, 1)).wait_ticket == ticket);  // refused, and comes again
    say(a, said(0, 0, 0, 0, 2));
    clock.advance(30'000);
    say(a, said(0, 1, 0, 0, 2));
    CHECK(held(a) == 0);  // b was heard 30 s ago
    clock.advance(1);
    say(a, said(0, 1, 0, 0, 2));
    CHECK(held(a) == 1);
    CHECK(say(b, counters("render", 0, 0, 0)).wait_ticket == std::nullopt);
}

TEST_CASE_METHOD(Line, "a ticket and its place outlive the account") {
    free_grant("lab", "render", 2);
    Who a = join();
    Who b = join();
    Who c = join();
    say(a, said(0, 2, 0));
    const auto ticket = say(b, counters("render", 0, 1, 1)).wait_ticket;
    say(c, counters("render", 0, 2, 1));
    reopen();
    say(a, said(0, 0, 0, 0, 2));
    say(c, counters("render", 0, 2, 1));
    CHECK(held(c) == 1);
    CHECK(ticket);
    CHECK_FALSE(say(b, counters("render", 0, 1, 1)).wait_ticket);
    CHECK(held(b) == 1);
}

TEST_CASE_METHOD(Line, "an agent idle for long is asked for its units while little is left") {
    free_grant("lab", "render", 4);
    Who a = join();
    Who b = join();
    say(a, counters("render", 0, 0, 1));
    say(b, said(0, 2, 0));
    clock.advance(settings.idle_ms - 1);
    CHECK(say(a, said(0, 0, 0)).recall.empty());
    clock.advance(1);
    const SyncReply recalled = say(a, said(0, 0, 0));
    REQUIRE(recalled.recall.size() == 1);
    CHECK(recalled.recall[0].units == Units{1});
    CHECK_FALSE(recalled.next_sync_ms);
    say(a, said(0, 0, 1, 0, 1));
    CHECK(held(a) == 0);  // it would be asked to give it back at once
    say(a, said(0, 1, 0, 0, 1));
    CHECK(held(a) == 1);  // but what can't wait is served
}

TEST_CASE_METHOD(LineAndCustody, "overage in custody is charged though an agent that is gone left a ticket") {
    free_grant("lab", "render", 1'000);
    CHECK(overage() == Units{50});  // it comes after whoever waits
    clock.advance(account::ticket_timeout_ms);
    CHECK(overage() == Units{50});
    clock.advance(1);
    CHECK(overage() == Units{0});
    CHECK(card().charged_units == Units{50});
    check_audit();
}

TEST_CASE_METHOD(LineAndCustody, "an agent that is written off waits for nothing any more") {
    done({"agent", "write-off", waiting.id, "--as", "hold"});
    CHECK(tickets() == 0);
    free_grant("lab", "render", 1'000);
    CHECK(overage() == Units{0});
    check_audit();
}

TEST_CASE_METHOD(LineAndCustody,
                 "overage in custody comes after the ticket of who is heard now, silent as it was") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "3", "--starts",
          core::format_rfc3339(clock.wall_now() + core::hour_ms)});
    clock.advance(core::hour_ms);
    say(waiting, counters("render", 0, 5, 0));
    CHECK(held(waiting) == 5);
    CHECK(overage() == Units{50});
    check_audit();
}

TEST_CASE_METHOD(Line, "an agent alone waits no more once its last grant has ended, or nothing is enforced") {
    free_grant("lab", "render", 2);
    Who a = join();
    REQUIRE(say(a, said(0, 5, 0)).wait_ticket);
    ResourceCounters again = said(0, 5, 0);  // names what has ended
    SECTION("ended") {
        done({"grant", "end", "lab", "g1"});
    }
    SECTION("ended, and not named any more") {
        say(a, said(0, 5, 0, 0, 2));
        done({"grant", "end", "lab", "g1"});
        again = counters("render", 0, 5, 0);
    }
    SECTION("nothing is enforced") {
        done({"resource", "set", "render", "--enforcement", "none"});
    }
    const SyncReply reply = say(a, again);
    CHECK_FALSE(reply.wait_ticket);
    CHECK_FALSE(reply.next_sync_ms);
    CHECK(tickets() == 0);
    check_audit();
}

TEST_CASE_METHOD(Line, "needs that add up to more than can be counted keep nobody from being served") {
    constexpr std::int64_t beyond = std::int64_t{1} << 61;
    const bool of_before = GENERATE(false, true);  // kept by a version that took any need
    free_grant("lab", "render", 1);
    Who a = join();
    say(a, said(0, 1, 0));
    for (int i = 0; i < 4; ++i) {
        Who one = join();
        CHECK(say(one, counters("render", 0, beyond, 0)).wait_ticket);
    }
    CHECK(database().number("SELECT max(need) FROM ticket") == core::limits::units_max);
    if (of_before) database().run("UPDATE ticket SET need = ?", beyond);
    Who fifth = join();
    CHECK(say(fifth, counters("render", 0, 1, 1)).wait_ticket);
    say(a, said(0, 0, 0, 0, 1));
    say(fifth, counters("render", 0, 1, 1));
    CHECK(held(fifth) == 0);  // they came before it
    clock.advance(account::ticket_timeout_ms + 1);
    CHECK_FALSE(say(fifth, counters("render", 0, 1, 1)).wait_ticket);
    CHECK(held(fifth) == 1);
    check_audit();
}
