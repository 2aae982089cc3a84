// Checkouts of a returnable resource, between what is given back here and what the account answers.
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using core::Units;
using tests::uid;

namespace {

struct Agent : tests::SessionsFixture {
    Agent() {
        core::Resource asset;
        asset.key = "asset";
        asset.kind = core::Kind::returnable;
        asset.measure = core::Measure::count;
        asset.unit_size = core::Amount{1};
        REQUIRE(journal->begin());
        journal->describe({tests::render(core::Enforcement::hard), asset});
        REQUIRE(journal->commit());
        balances.publish(journal->take_publications());
        balances.find("asset")->supply.reachable = true;
        sessions.answered(true);
    }
    void lease_assets(std::int64_t units) {
        core::LeaseTranche tranche;
        tranche.tranche = "t2";
        tranche.granted = Units{units};
        tranche.valid_from = tests::noon + -core::day_ms;
        core::Lease lease;
        lease.resources.resize(1);
        lease.resources[0].key = "asset";
        lease.resources[0].unit_size = core::Amount{1};
        lease.resources[0].tranches = {tranche};
        REQUIRE(journal->begin());
        journal->take_lease(lease, time.journal_now());
        REQUIRE(journal->commit());
        sessions.reconsider(balances.publish(journal->take_publications()));
    }
    // Waits for the account, which grants it: what nobody waits for or holds is given back at once.
    void hold(const std::string& id, std::int64_t quantity) {
        const int before = asked;
        check_out(id, quantity, id);
        run_until([&] { return asked > before; });
        lease_assets(quantity);
        run_until([&] { return answers.contains(id); });
        REQUIRE(is_out(id));
    }
    // Without an id nothing has to be looked up: it is out, refused or waits at once.
    void check_out(const std::string& name, std::int64_t quantity, const std::string& id = "") {
        agent::SessionOrder order;
        order.id = id;
        order.resource = "asset";
        order.uid = uid;
        order.quantity = Units{quantity};
        sessions.open(order, [this, name](const auto& answer) { answers.insert_or_assign(name, answer); });
    }
    // Once its end is stored; what it held is on its way back then, and not yet there.
    void end(
        const std::string& id, std::function<void()> then = [] {}) {
        bool ended = false;
        sessions.end(id, uid, [&](const auto& shown) {
            REQUIRE(shown);
            then();
            ended = true;
        });
        run_until([&] { return ended; });
    }
    bool is_out(const std::string& id) { return answers.contains(id) && answers.at(id); }
    bool is_refused(const std::string& id) { return answers.contains(id) && !answers.at(id); }
    Units kept() { return balances.find("asset")->ledger->leased(time.range()); }

    std::map<std::string, core::Result<agent::OpenedSession>> answers;
};

}  // namespace

TEST_CASE("a checkout that comes after others were given back isn't refused by an answer of before") {
    Agent agent;
    agent.hold("a", 10);
    agent.check_out("b", 1);
    REQUIRE(agent.sessions.carry_checkouts("asset") == Units{1});
    agent.sessions.answered(true);  // and nothing was granted
    REQUIRE(agent.is_refused("b"));
    const int asked = agent.asked;
    agent.check_out("c", 1);  // nothing has changed: it needn't be asked again
    CHECK(agent.is_refused("c"));
    REQUIRE(agent.asked == asked);

    agent.end("a");
    agent.settle();
    REQUIRE(agent.kept() == Units{0});
    const int asked_since = agent.asked;
    agent.check_out("d", 1);
    CHECK_FALSE(agent.is_refused("d"));
    CHECK(agent.asked > asked_since);
    CHECK(agent.sessions.carry_checkouts("asset") == Units{1});
    agent.lease_assets(11);
    agent.settle();
    CHECK(agent.is_out("d"));
}

TEST_CASE(
    "a checkout asks beside nothing that is still on its way back, for the account holds that for free") {
    Agent agent;
    agent.hold("a", 10);
    agent.end("a", [&] { agent.check_out("b", 1); });
    // The request that is made in this moment doesn't say yet that it was given back.
    REQUIRE(agent.kept() == Units{10});
    CHECK(agent.sessions.carry_checkouts("asset") == Units{0});
    agent.settle();
    REQUIRE(agent.kept() == Units{0});
    REQUIRE_FALSE(agent.is_refused("b"));
    const int asked = agent.asked;
    agent.sessions.answered(true);
    CHECK_FALSE(agent.is_refused("b"));
    CHECK(agent.asked > asked);
    CHECK(agent.sessions.carry_checkouts("asset") == Units{1});
    agent.sessions.answered(true);
    CHECK(agent.is_refused("b"));
}

TEST_CASE("a checkout meters nothing, however long it is held") {
    Agent agent;
    agent.hold("x", 3);
    agent.pass(7'000);
    std::vector<agent::SessionView> shown = agent.sessions.list();
    REQUIRE(shown.size() == 1);
    agent.sessions.heartbeat("x", uid, [&](const auto& answer) { shown.push_back(*answer); });
    agent.run_until([&] { return shown.size() == 2; });
    agent.sessions.end("x", uid, [&](const auto& answer) { shown.push_back(*answer); });
    agent.run_until([&] { return shown.size() == 3; });
    for (const agent::SessionView& view : shown) CHECK(view.metered == core::Amount{});
}
