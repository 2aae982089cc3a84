// What an agent was leased ahead, of a cycle that hasn't begun, or of open pay as you go, once the agent is
// given up: what a write-off does with it, and the agent's word when it is back.
#include <boost/json.hpp>

#include "fencing_lab.hpp"
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct ComesBack : Tiers {
    void write_off(const std::string& as) { done({"agent", "write-off", one.agent, "--as", as}); }
    core::Result<HelloReply> says_hello(std::int64_t incarnation, const JournalHead& head,
                                        const core::wire::ResourceCounters& made) {
        return say_hello(one, incarnation, head, made);
    }

    Said one;
    core::Lease lease;
};

// An agent with 9 units of pay as you go in the cycle up to 15 August, t1, and as many of the next one, t2.
struct LeasedAhead : ComesBack {
    LeasedAhead() {
        grant({"--resource", "render", "--tier", "payg", "--cap", "40", "--anchor", "2026-07-15"});
        one = joined();
        lease = sync_lease(one, {counters("render", 0, 9, 0)});
        REQUIRE(stored("leased", 1) == 9);
        REQUIRE(stored("leased", 2) == 9);
    }
    void charged(std::int64_t present, std::int64_t next) {
        CHECK(stored("charged", 1) == present);
        CHECK(stored("charged", 2) == next);
        audited();
    }
    std::int64_t available(std::int64_t tranche) {
        return database().number("SELECT available FROM tranche WHERE id = ?", tranche);
    }
    std::int64_t invoiced(const char* cycle) {
        std::int64_t sum = 0;
        const auto invoice = json({"invoice", "lab", "--cycle", cycle});
        for (const auto& line : invoice.at("lines").as_array()) sum += line.at("units").as_int64();
        return sum;
    }
    // The agent again, by its own word, which names all that it was leased: so many units used of each of its
    // two tranches, and part of one beyond.
    core::Result<HelloReply> comes_back(std::int64_t present, std::int64_t next, std::int64_t returned = 0) {
        const core::UtcHour hour = core::hour_of(clock.wall_now());
        auto made = counters("render", (present + next) * 1'000 + 300, 0, 0, {});
        for (const auto& [tranche, units] : {std::pair("t1", present), std::pair("t2", next)}) {
            made.tranches.push_back({tranche, Units{units}, Units{0}, {}});
            if (units > 0) made.tranches.back().hours.push_back({hour, Units{units}});
        }
        made.tranches.back().returned = Units{returned};
        made.overage_units = {};
        return says_hello(1, {1, "start"}, made);
    }
    // Its lease can't be honoured: it goes on as another incarnation, and that is no fence of its own doing.
    void settled(const core::Result<HelloReply>& reply, std::int64_t present, std::int64_t next) {
        INFO((reply ? "" : reply.error().detail));
        REQUIRE(reply);
        CHECK(reply->verdict == Verdict::fenced);
        CHECK(reply->incarnation == 2);
        CHECK(reply->acknowledged.sequence == 1);  // all of its journal counts in the one before
        CHECK_FALSE(agent_row("lab", one.agent).fenced_at);
        CHECK_FALSE(agent_row("lab", one.agent).written_off_at);
        charged(present, next);
    }
};

}  // namespace

TEST_CASE_METHOD(LeasedAhead, "nothing is counted of a cycle that was leased ahead and hasn't begun") {
    write_off("count");
    charged(9, 0);
    CHECK(stored("leased", 2) == 0);
    CHECK(available(2) == 40);
    CHECK(invoiced("2026-07-20") == 9);
    CHECK(invoiced("2026-08-20") == 0);
    clock.set_wall(at("2026-08-20T00:00:00Z"));
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-20"}).at("status") == "final");
    CHECK(invoiced("2026-07-20") == 9);
    CHECK(invoiced("2026-08-20") == 0);
    charged(9, 0);
}

TEST_CASE_METHOD(LeasedAhead,
                 "a write-off says what became of the units, and when none are left to decide on") {
    const Words again{"agent", "write-off", one.agent, "--as", "release"};
    const std::string before =
        "agent " + one.agent + " is given up, and nothing of it is in doubt any more (";
    const std::string after = "): if it is heard of again, its own word settles it";
    SECTION("held, and then counted") {
        CHECK(done({"agent", "write-off", one.agent, "--as", "hold"}) == "18 units of render in doubt now\n");
        CHECK(done({"agent", "write-off", one.agent, "--as", "hold"}) == "18 units of render in doubt now\n");
        CHECK(done({"agent", "write-off", one.agent, "--as", "count"}) ==
              "9 units of render counted as used\n9 units of render released\n");
        CHECK(exit(again) == exit_failed);
        CHECK(command(again).err == before + "counted: render 9; released: render 9" + after);
        charged(9, 0);
    }
    SECTION("revoked, and then released, as JSON") {
        done({"agent", "revoke", one.agent});
        const auto said = json(again);
        CHECK(said.at("agent").as_string() == one.agent);
        CHECK(said.at("as") == "release");
        CHECK(said.at("held").as_object().empty());
        CHECK(said.at("counted").as_object().empty());
        CHECK(said.at("released").at("render") == 18);
        CHECK(command(again).err ==
              before + "released: render 18), and it is revoked: it isn't heard of again");
        charged(0, 0);
    }
    SECTION("the agent held nothing") {
        const std::string idle = agent("lab");
        CHECK(done({"agent", "write-off", idle, "--as", "count"}) ==
              "no units of it were to be decided on\n");
        CHECK(agent_row("lab", idle).written_off_at);
        const account::Outcome refused = command({"agent", "write-off", idle, "--as", "hold"});
        CHECK(refused.exit == exit_failed);
        CHECK(refused.err.find("(it held nothing)") != std::string::npos);
    }
}

TEST_CASE_METHOD(LeasedAhead, "what is held of a cycle that began before it is decided is counted") {
    const bool revoked = GENERATE(false, true);
    revoked ? (void)done({"agent", "revoke", one.agent}) : write_off("hold");
    clock.set_wall(at("2026-08-15T00:00:00Z"));
    write_off("count");
    charged(9, 9);
    CHECK(invoiced("2026-07-20") == 9);
    CHECK(invoiced("2026-08-20") == 9);
}

TEST_CASE_METHOD(LeasedAhead,
                 "an agent counted by its silence is charged for cycles that began in it alone") {
    done({"team", "set", "lab", "--lost", "count", "--lost-after", "20d"});
    Said other = joined();
    SECTION("the next one hasn't begun") {
        clock.set_wall(at("2026-08-14T23:59:59Z"));
        tell(other, {counters("render", 0, 0, 0)});
        charged(9, 0);
        CHECK(available(2) == 40);
    }
    SECTION("it has, and then it may have used that, too") {
        clock.set_wall(at("2026-08-15T00:00:00Z"));
        tell(other, {counters("render", 0, 0, 0)});
        charged(9, 9);
    }
    CHECK(done({"agent", "list", "lab"}).find("written-off") != std::string::npos);
}

TEST_CASE_METHOD(LeasedAhead,
                 "an agent that was counted before the next cycle settles its units when it is back") {
    std::int64_t next = 0;  // used of what was released
    SECTION("in the cycle in which it was given up") {
        write_off("count");
        settled(comes_back(2, 0), 2, 0);
        CHECK(stored("leased", 1) == 7);
    }
    SECTION("in the next one, of which it has used nothing") {
        write_off("count");
        clock.set_wall(at("2026-08-15T12:00:00Z"));
        settled(comes_back(2, 0), 2, 0);
    }
    SECTION("in the next one, of which it has used some that were released") {
        write_off("count");
        clock.set_wall(at("2026-08-15T12:00:00Z"));
        settled(comes_back(2, next = 3), 2, 3);  // these three from what is free now, once
        CHECK(available(2) == 37);
    }
    SECTION("of which it has given some back, too, before it was given up and since") {
        tell(one, {counters("render", 0, 0, 0, {{"t1", {}, {}, {}}, {"t2", {}, Units{2}, {}}})});
        write_off("count");
        clock.set_wall(at("2026-08-15T12:00:00Z"));
        settled(comes_back(2, next = 3, 5), 2, 3);
        CHECK(available(2) == 37);
    }
    SECTION("all of which it has used") {
        write_off("count");
        clock.set_wall(at("2026-08-15T12:00:00Z"));
        settled(comes_back(9, next = 9), 9, 9);
        CHECK(available(2) == 31);
    }
    tell(one, {counters("render", 0, 0, 0)});
    CHECK(stored("leased", 1) == 0);  // by its own word it uses no more of that
    CHECK(database().number("SELECT sum(in_doubt) FROM tranche") == 0);
    CHECK(stored("charged", 2) == next);
    audited();
}

TEST_CASE_METHOD(LeasedAhead,
                 "an agent that is counted again before it synced as another incarnation settles that, too") {
    write_off("count");
    settled(comes_back(2, 0), 2, 0);
    const std::string as = GENERATE("hold", "count");
    write_off(as);
    charged(as == "count" ? 9 : 2, 0);
    SECTION("it has heard that it goes on as that") {
        CHECK(says_hello(2, {2, "began"}, counters("render", 0, 0, 0))->verdict == Verdict::ok);
    }
    SECTION("the answer was lost") {
        CHECK(says_hello(1, {1, "start"}, counters("render", 2'300, 0, 0))->verdict == Verdict::fenced);
    }
    CHECK(stored("leased", 1) == 7);  // until it says so: it may be in use still
    CHECK(agent_row("lab", one.agent).incarnation == 2);
    tell(one, {counters("render", 0, 0, 0)});
    charged(2, 0);
    CHECK(stored("leased", 1) == 0);
    CHECK(database().number("SELECT sum(in_doubt) FROM tranche") == 0);
}

TEST_CASE_METHOD(LeasedAhead,
                 "units that were released and used all the same wait for those that others hold") {
    write_off("count");
    clock.set_wall(at("2026-08-15T12:00:00Z"));
    Said other = joined();
    const core::Lease all = sync_lease(other, {counters("render", 0, 40, 0)});
    REQUIRE(available(2) == 0);
    settled(comes_back(2, 3), 2, 0);
    CHECK(database().number("SELECT overage_units FROM team_resource") == 3);
    tell(one, {counters("render", 0, 0, 0)});
    auto back = used_up(all, "render", 4, clock.wall_now());
    back.tranches[0].returned = Units{10};
    tell(other, {back});
    charged(2, 7);  // once, and four of the other
    CHECK(database().number("SELECT overage_units FROM team_resource") == 0);
    CHECK(available(2) == 7);
}

TEST_CASE_METHOD(LeasedAhead,
                 "a copy of a disk that shows less than was known is fenced, whatever was released") {
    tell(one, {used_up(lease, "render", 3, clock.wall_now())});
    write_off("count");
    const auto reply = comes_back(2, 0);
    REQUIRE(reply);
    CHECK(reply->verdict == Verdict::fenced);
    CHECK(agent_row("lab", one.agent).fenced_at);
    charged(3, 0);
    CHECK(database().number("SELECT in_doubt FROM tranche WHERE id = 1") == 6);
}

TEST_CASE_METHOD(
    ComesBack, "open payg units of an agent that was given up are those of its word, whatever was released") {
    units("free", "2", {"--refresh", "cycle", "--anchor", "2026-07-15"});
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    one = joined();
    lease = sync_lease(one, {counters("render", 0, 22, 0)});
    REQUIRE(of_tier(lease, "render", core::Tier::payg) >= 20);
    tell(one,
         {used_up(lease, "render", 2, clock.wall_now())});  // the free ones: what is left is ahead, or open
    auto made = used_up(lease, "render", 22, clock.wall_now());
    for (const core::LeaseTranche& leased : lease.resources.at(0).tranches)
        if (std::ranges::find(made.tranches, leased.tranche, &core::wire::TrancheCounters::tranche) ==
            made.tranches.end())
            made.tranches.push_back({leased.tranche, {}, {}, {}});
    const std::string as = GENERATE("hold", "count", "release");
    INFO(as);
    write_off(as);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    done({"resource", "set", "render", "--price", "999"});
    units("free", "30");  // made after they were completed
    REQUIRE(says_hello(1, {1, "start"}, made));
    one.request.request_number = 0;
    tell(one, agent_row("lab", one.agent).incarnation == 1 ? std::vector{made}
                                                           : std::vector{counters("render", 0, 0, 0)});
    const auto bill = json({"invoice", "lab", "--cycle", "2026-08-15"});
    REQUIRE(bill.at("lines").as_array().size() == 1);
    CHECK(bill.at("lines").at(0).at("late_units") == 20);
    CHECK(bill.at("total") == 2'000);
    CHECK(database().number("SELECT sum(charged) FROM tranche") == 22);
    audited();
}
