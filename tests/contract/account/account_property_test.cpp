// Agents with the real ledger of core, over a network that loses, repeats and reorders: whatever it
// does, nothing is oversold, each used unit is charged once, and the audit agrees.
#include <algorithm>
#include <deque>
#include <set>

#include "account/audit.hpp"
#include "account/catalogue.hpp"
#include "account/pool.hpp"
#include "core/ledger.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::Units;

namespace {

class ModelAgent {
public:
    ModelAgent(AccountFixture& account, std::string team, const core::Resource& resource)
        : account_(account), team_(std::move(team)), id_(account.agent(team_)), ledger_(resource) {
        say_hello();
    }

    void say_hello() {
        core::wire::HelloRequest said;
        said.agent = id_;
        said.nonce = nonce_ = platform::system::random_hex(account_.random);
        said.resources = {counters()};
        const auto reply = account_.hello(team_, said);
        REQUIRE(reply);
        session_ = reply->session;
        number_ = 0;
    }

    void meter(std::int64_t ms) {
        note(ledger_.meter(Amount{ms}, now()));
        usage_[core::hour_of(account_.clock.wall_now())] += ms;
    }

    core::wire::SyncRequest request(bool wants) {
        core::wire::SyncRequest said;
        said.session = session_;
        said.request_number = ++number_;
        auto mine = counters();
        mine.need = ledger_.overage_units();
        mine.wanted = Units{wants ? 1 : 0};
        mine.rate_per_hour = Amount{account_.random.below(5) * 1'000};
        said.resources = {mine};
        for (const auto& [hour, amount] : usage_) said.usage.push_back({"render", hour, "", Amount{amount}});
        return said;
    }

    void take(const core::wire::SyncReply& reply) {
        if (!reply.lease) return;
        const auto lease = core::lease_from_json(*reply.lease);
        REQUIRE(lease);
        if (!core::admit(*lease, {id_, 1, 1, nonce_, lease_number_})) return;
        lease_number_ = lease->number;
        for (const core::LeaseResource& part : lease->resources) note(ledger_.take_lease(part, now()));
    }

    core::Result<core::wire::SyncReply> deliver(const core::wire::SyncRequest& said) {
        return account_.sync(team_, id_, said);
    }

    const core::ResourceLedger& ledger() const { return ledger_; }
    std::int64_t usage() const {
        std::int64_t sum = 0;
        for (const auto& [hour, amount] : usage_) sum += amount;
        return sum;
    }

private:
    core::Now now() const { return core::Now::at(account_.clock.wall_now()); }

    core::wire::ResourceCounters counters() const {
        core::wire::ResourceCounters mine;
        mine.resource = "render";
        mine.metered = ledger_.metered();
        mine.remainder = ledger_.remainder();
        mine.overage_units = ledger_.overage_units();
        for (const core::Tranche& tranche : ledger_.tranches()) {
            core::wire::TrancheCounters said{tranche.id, tranche.used, tranche.returned, {}};
            for (const auto& [key, units] : hours_) {
                if (key.first == tranche.id) said.hours.push_back({key.second, Units{units}});
            }
            mine.tranches.push_back(std::move(said));
        }
        return mine;
    }

    void note(const std::vector<core::Completion>& completions) {
        for (const core::Completion& completion : completions) {
            hours_[{ledger_.tranches()[completion.tranche].id, core::hour_of(account_.clock.wall_now())}] +=
                completion.units.value();
        }
    }

    AccountFixture& account_;
    std::string team_;
    std::string id_;
    std::string session_;
    std::string nonce_;
    std::int64_t number_ = 0;
    std::int64_t lease_number_ = 0;
    core::ResourceLedger ledger_;
    std::map<std::pair<std::string, core::UtcHour>, std::int64_t> hours_;
    std::map<core::UtcHour, std::int64_t> usage_;
};

struct World : AccountFixture {
    World() {
        done({"resource", "add", "render", "--kind", "exhaustible", "--measure", "duration", "--unit", "1s",
              "--price", "5", "--currency", "EUR"});
        resource = account::load_catalogue(database()).resources.front();
    }

    std::int64_t below(std::int64_t limit) { return random.below(limit); }

    // A team with one to three grants.
    void found(const std::string& team) {
        done({"team", "add", team});
        const auto add = [&](std::vector<std::string> more) {
            std::vector<std::string> words{"grant", "add", team, "--resource", "render", "--tier"};
            words.insert(words.end(), more.begin(), more.end());
            done(words);
        };
        add({"free", "--amount", std::to_string(1 + below(30))});
        if (below(2) == 0) {
            add({"free", "--amount", std::to_string(1 + below(20)), "--ends",
                 core::format_rfc3339(clock.wall_now() + (1 + below(6)) * core::hour_ms)});
        }
        if (below(3) == 0) add({"payg", "--cap", std::to_string(1 + below(20))});
        if (below(4) == 0) add({"payg"});
    }

    void check_bounds(const std::string& team) {
        database().each(
            "SELECT purchased, available, charged, in_doubt, expired, leased, (SELECT "
            "coalesce(sum(granted - used - returned), 0) FROM holding WHERE tranche = tranche.id) "
            "FROM tranche WHERE team = ?",
            [](auto& row) {
                if (!row.is_null(0)) REQUIRE(row.integer(2) + row.integer(6) <= row.integer(0));
                REQUIRE(row.integer(5) == row.integer(6));
            },
            team);
    }

    core::Resource resource;
};

struct InFlight {
    std::size_t agent;
    core::wire::SyncRequest request;
};

}  // namespace

TEST_CASE_METHOD(
    World, "over any loss, repetition and reordering nothing is oversold and each unit is charged once") {
    std::int64_t units = 0;
    for (int seed = 0; seed < 12; ++seed) {
        const std::string team = "team" + std::to_string(seed);
        found(team);
        std::vector<ModelAgent> agents;
        for (std::int64_t i = 0, count = 1 + below(3); i < count; ++i)
            agents.emplace_back(*this, team, resource);
        std::deque<InFlight> network;
        std::deque<std::pair<std::size_t, core::wire::SyncReply>> answers;

        for (int step = 0; step < 120; ++step) {
            const auto who = static_cast<std::size_t>(below(static_cast<std::int64_t>(agents.size())));
            switch (below(7)) {
                case 0:
                    agents[who].meter(below(2'500));
                    break;
                case 1:
                    network.push_back({who, agents[who].request(below(2) == 0)});
                    break;
                case 2:
                    clock.advance(below(core::hour_ms));
                    break;
                case 3: {  // an answer arrives, also an old one, or is lost
                    if (answers.empty()) break;
                    const auto which = below(static_cast<std::int64_t>(answers.size()));
                    if (below(3) != 0) agents[answers[which].first].take(answers[which].second);
                    answers.erase(answers.begin() + which);
                    break;
                }
                case 4:
                    if (below(8) == 0) agents[who].say_hello();
                    break;
                default: {  // a message arrives, any one; most then are gone, some come again
                    if (network.empty()) break;
                    const auto which = below(static_cast<std::int64_t>(network.size()));
                    const InFlight message = network[which];
                    if (below(3) != 0) network.erase(network.begin() + which);
                    if (below(4) == 0) break;  // lost
                    const auto reply = agents[message.agent].deliver(message.request);
                    // The only refusal: the session is over.
                    if (!reply) REQUIRE(reply.error().code == core::ErrorCode::not_found);
                    if (reply) answers.emplace_back(message.agent, *reply);
                    break;
                }
            }
            check_bounds(team);
        }

        // The faults stop: two syncs later the account has seen what is real (I4).
        std::int64_t used = 0;
        std::int64_t overage = 0;
        std::int64_t remainder = 0;
        std::int64_t metered = 0;
        for (ModelAgent& agent : agents) {
            for (int i = 0; i < 2; ++i) {
                const auto reply = agent.deliver(agent.request(false));
                REQUIRE(reply);
                agent.take(*reply);
            }
            const auto last = agent.deliver(agent.request(false));
            REQUIRE(last);
            used += agent.ledger().used().value();
            overage += agent.ledger().overage_units().value();
            remainder += agent.ledger().remainder().value();
            metered += agent.usage();
            REQUIRE(agent.ledger().metered().value() == agent.usage());
        }
        check_bounds(team);
        CHECK(database().number("SELECT sum(charged) FROM tranche WHERE team = ?", team) == used);
        CHECK(database().number("SELECT coalesce(sum(overage_units), 0) FROM team_resource WHERE team = ?",
                                team) == overage);
        CHECK(database().number("SELECT coalesce(sum(remainder), 0) FROM team_resource WHERE team = ?",
                                team) == remainder);
        CHECK(database().number(
                  "SELECT coalesce(sum(amount), 0) FROM usage JOIN agent ON agent.id = usage.agent "
                  "WHERE agent.team = ?",
                  team) == metered);
        CHECK(metered == (used + overage) * 1'000 + remainder);
        const account::AuditReport report = account::audit(database(), team, clock.wall_now());
        CHECK(report.differences == std::vector<std::string>{});
        CHECK(report.findings == std::vector<std::string>{});
        units += used;
    }
    CHECK(units > 100);  // the world did something
}

TEST_CASE_METHOD(World, "the same messages in any order leave the same counters, usage and charges") {
    // What one agent says over its life, in order; every tranche and lease is there from the start.
    const auto life = [&](const std::string& team, auto order) {
        done({"team", "add", team});
        done({"grant", "add", team, "--resource", "render", "--tier", "free", "--amount", "40"});
        ModelAgent agent(*this, team, resource);
        auto ask = agent.request(false);
        ask.resources[0].need = Units{40};
        const auto granted = agent.deliver(ask);
        REQUIRE(granted);
        agent.take(*granted);
        std::vector<core::wire::SyncRequest> said;
        for (int i = 0; i < 8; ++i) {
            agent.meter(700 + 300 * i);
            auto request = agent.request(false);
            request.resources[0].need = Units{0};
            said.push_back(std::move(request));
        }
        for (const std::size_t which : order(said.size())) REQUIRE(agent.deliver(said[which]));
        std::string state;
        database().each(
            "SELECT (SELECT sum(charged) FROM tranche WHERE team = ?1), (SELECT sum(metered) FROM "
            "agent_resource "
            "JOIN agent ON agent.id = agent WHERE team = ?1), (SELECT sum(used) FROM holding JOIN agent ON "
            "agent.id = agent WHERE team = ?1), (SELECT sum(amount) FROM usage JOIN agent ON agent.id = "
            "agent "
            "WHERE team = ?1), (SELECT sum(units) FROM unit_hour JOIN agent ON agent.id = agent WHERE team = "
            "?1)",
            [&](auto& row) {
                for (int i = 0; i < 5; ++i) state += std::to_string(row.integer(i)) + " ";
            },
            team);
        CHECK(account::audit(database(), team, clock.wall_now()).ok());
        return state;
    };
    const auto forward = [](std::size_t count) {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < count; ++i) order.push_back(i);
        return order;
    };
    const std::string expected = life("forward", forward);
    CHECK(life("backward", [&](std::size_t count) {
              auto order = forward(count);
              std::ranges::reverse(order);
              return order;
          }) == expected);
    for (int i = 0; i < 5; ++i) {
        CHECK(life("shuffled" + std::to_string(i), [&](std::size_t count) {
                  std::vector<std::size_t> order = forward(count);
                  for (std::size_t at = 0; at < count; ++at) order.push_back(order[at]);  // each twice
                  for (std::size_t at = order.size() - 1; at > 0; --at) {
                      std::swap(order[at],
                                order[static_cast<std::size_t>(below(static_cast<std::int64_t>(at) + 1))]);
                  }
                  return order;
              }) == expected);
    }
}

TEST_CASE_METHOD(World, "any number of agents racing for a pool get all of it and no more") {
    for (std::int64_t amount : {1, 2, 5, 9}) {
        const std::string team = "race" + std::to_string(amount);
        done({"team", "add", team});
        done({"grant", "add", team, "--resource", "render", "--tier", "free", "--amount",
              std::to_string(amount)});
        std::vector<ModelAgent> agents;
        for (int i = 0; i < 4; ++i) agents.emplace_back(*this, team, resource);
        for (ModelAgent& agent : agents) agent.meter(3'000);
        for (int round = 0; round < 3; ++round) {
            for (ModelAgent& agent : agents) {
                const auto reply = agent.deliver(agent.request(false));
                REQUIRE(reply);
                agent.take(*reply);
                check_bounds(team);
            }
        }
        std::int64_t used = 0;
        for (const ModelAgent& agent : agents) used += agent.ledger().used().value();
        CHECK(used == amount);
        CHECK(database().number("SELECT sum(charged) FROM tranche WHERE team = ?", team) == amount);
        CHECK(account::audit(database(), team, clock.wall_now()).ok());
    }
}
