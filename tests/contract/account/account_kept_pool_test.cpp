// Agents of one team that sync in one transaction: each sees what those before it took.
#include "account/pool.hpp"
#include "tests/contract/account/lab.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;

namespace {

struct TwoAtOnce : Lab {
    TwoAtOnce() {
        free_grant("lab", "render", 5);
        two = agent("lab");
        two_session = session("lab", two);
    }
    core::Result<core::wire::SyncReply> ask(const std::string& agent, const std::string& session) {
        return account::sync(exchange(), agent_row("lab", agent),
                             request(session, 1, {counters("render", 0, 3, 0)}));
    }
    Units available() {
        account::Pool pool(database(), "lab");
        return pool.of("render").front().available;
    }
    std::string two;
    std::string two_session;
};

}  // namespace

TEST_CASE_METHOD(TwoAtOnce, "the second of two in one transaction is granted what the first left") {
    const auto second = in_transaction([&] {
        REQUIRE(ask(one, one_session));
        return ask(two, two_session);
    });
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 2);
    CHECK(available() == Units{0});
    CHECK(audit().findings.empty());
}

TEST_CASE_METHOD(TwoAtOnce, "a grant that ends between two of one transaction gives the second nothing") {
    const auto second = in_transaction([&] {
        REQUIRE(ask(one, one_session));
        account::Ledger ledger(database(), clock.wall_now());
        account::Pool pool(database(), "lab");
        pool.end_grant(ledger, pool.of("render").front().grant);
        return ask(two, two_session);
    });
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 0);
}

TEST_CASE_METHOD(TwoAtOnce, "what a transaction undid isn't remembered by the next") {
    REQUIRE(store().connection().begin());
    REQUIRE(ask(one, one_session));
    store().connection().rollback();
    const auto second = in_transaction([&] { return ask(two, two_session); });
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 3);
    CHECK(available() == Units{2});
}

TEST_CASE_METHOD(TwoAtOnce, "what a refused job undid isn't remembered by the next in its transaction") {
    REQUIRE(store().connection().begin());
    database().run("SAVEPOINT job");
    REQUIRE(ask(one, one_session));
    database().run("ROLLBACK TO job");
    const auto second = ask(two, two_session);
    REQUIRE(store().connection().commit());
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 3);
    CHECK(available() == Units{2});
}
