// Jobs in the middle of which the store fails: what they ask for then isn't there, and they end with the
// store's error, not with the process.
#include "account/adjustment.hpp"
#include "account/doubt.hpp"
#include "lab.hpp"
#include "tests/support/faulty_connection.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using account::LostPolicy;
using core::Units;

namespace {

// Of a grant that has ended an agent used 2 units, and holds 3.
struct Unread : Lab {
    Unread() {
        free_grant("lab", "render", 9);
        REQUIRE(sync_one(1, {counters("render", 0, 5, 0)}));
        REQUIRE(sync_one(2, {counters("render", 2'000, 0, 0, {used("t1", 2)})}));
        done({"grant", "end", "lab", "g1"});
    }
    // The job asks what has these words in it, and hears that the store failed.
    template <class Job>
    void fails(const std::string& words, Job job) {
        FaultyConnection connection(store().connection(), words);
        REQUIRE(connection.begin());
        {
            account::Database database(connection);
            account::Ledger ledger(database, clock.wall_now());
            account::Pool pool(database, "lab");
            REQUIRE_FALSE(database.failed());
            job(database, ledger, pool);
            CHECK(database.failed());
        }
        connection.rollback();
    }
    account::Agent row() { return agent_row("lab", one); }
};

constexpr const char* ended_tranche = "t.resource <> ''";
constexpr const char* agent_by_id = "NOT LIKE 'custody/%'";

}  // namespace

TEST_CASE_METHOD(Unread, "a store that fails while an ended grant's units are given back ends no process") {
    fails(ended_tranche, [&](auto& database, auto& ledger, auto& pool) {
        account::give_back_leased(database, ledger, pool, row(), 1, "return");
    });
}

TEST_CASE_METHOD(Unread, "a store that fails while an ended grant's units are held ends no process") {
    fails(ended_tranche, [&](auto& database, auto& ledger, auto& pool) {
        account::hold_leased(database, ledger, pool, row(), "fence");
    });
}

TEST_CASE_METHOD(Unread,
                 "a store that fails while held units of an ended grant are decided ends no process") {
    done({"agent", "write-off", one, "--as", "hold"});
    fails(ended_tranche, [&](auto& database, auto& ledger, auto& pool) {
        account::decide_held(database, ledger, pool, row(), LostPolicy::count);
    });
}

TEST_CASE_METHOD(Unread,
                 "a store that fails while an agent takes back units of an ended grant ends no process") {
    done({"agent", "write-off", one, "--as", "hold"});
    fails(ended_tranche, [&](auto& database, auto& ledger, auto& pool) {
        CHECK(account::take_back(database, ledger, pool, row()) != account::TakenBack::all);
    });
}

TEST_CASE_METHOD(Unread, "a store that fails while an ended grant's units are adjusted ends no process") {
    fails(ended_tranche, [&](auto& database, auto& ledger, auto& pool) {
        CHECK(account::give_back(database, ledger, pool, "render", Units{1}, "a fault of ours").empty());
    });
}

TEST_CASE_METHOD(Unread, "a store that fails while agents are given up by their silence ends no process") {
    const account::Agent heard = agent_row("lab", agent("lab"));
    done({"team", "set", "lab", "--lost", "release", "--lost-after", "30d"});
    clock.advance(40 * core::day_ms);
    fails(agent_by_id, [&](auto& database, auto&, auto&) {
        CHECK_FALSE(account::write_off_lost(database, clock.wall_now(), heard));
    });
}
