// An account's store in a place of its own, under a clock that stands still, with commands and
// exchanges run as the service runs them: each in a transaction. Leases aren't signed but where a test
// is about that: a lease is its claims.
#pragma once

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "account/audit.hpp"
#include "account/catalogue.hpp"
#include "account/command_line.hpp"
#include "account/enrollment.hpp"
#include "account/exchange.hpp"
#include "account/pool.hpp"
#include "account/store.hpp"
#include "account/team_cards.hpp"
#include "account_place.hpp"
#include "core/lease.hpp"
#include "core/wire.hpp"
#include "platform/tls/pki.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

namespace meterbox::tests {

class PlainSigner final : public account::LeaseSigner {
public:
    core::Result<std::string> sign(std::string_view claims) const override { return std::string(claims); }
    core::Result<std::string> claims_of(std::string_view lease,
                                        const std::vector<core::wire::LeaseKey>&) const override {
        return std::string(lease);
    }
};

class AccountFixture {
public:
    AccountFixture() { reopen(); }

    void reopen() {
        store_.reset();
        store_ = place_.open(clock, random);
    }
    void close() { store_.reset(); }
    // The store, once, as it is copied and put back by hand: its process ends, and another one starts.
    void copy_by_hand() {
        close();
        place_.copy();
        reopen();
    }
    void put_back_by_hand() {
        close();
        place_.put_back();
        reopen();
    }
    std::filesystem::path folder() const { return place_.folder(); }
    bool shared() const { return place_.shared(); }
    std::string url() const { return place_.url(); }
    account::Store& store() { return *store_; }
    account::Database& database() { return store_->database(); }

    // SQLite knows a trigger by its name alone.
    std::string in_its_words(const std::string& sql) const {
        if (!shared()) return sql;
        return std::regex_replace(sql, std::regex("DROP TRIGGER (\\w+)_is_never_\\w+"), "$& ON $1");
    }

    template <class Work>
    auto in_transaction(Work work) -> decltype(work()) {
        REQUIRE(store_->connection().begin());
        auto outcome = account::in_savepoint(database(), work);
        REQUIRE(store_->connection().commit());
        return outcome;
    }

    account::Outcome command(const std::vector<std::string>& arguments) {
        const account::CommandLine line = account::parse_command_line(arguments);
        if (line.done) return *line.done;
        const auto outcome =
            in_transaction([&]() -> core::Result<account::Outcome> { return line.command(*store_); });
        REQUIRE(outcome);
        return *outcome;
    }
    std::string done(const std::vector<std::string>& arguments) {
        const account::Outcome outcome = command(arguments);
        INFO(outcome.err);
        REQUIRE(outcome.exit == account::exit_done);
        return outcome.out;
    }

    // A team with one resource of 1 s units.
    void team_with(const std::string& team, const std::string& resource) {
        done({"team", "add", team});
        done({"resource", "add", resource, "--kind", "exhaustible", "--measure", "duration", "--unit", "1s",
              "--price", "100", "--currency", "EUR"});
    }
    void free_grant(const std::string& team, const std::string& resource, std::int64_t amount) {
        done({"grant", "add", team, "--resource", resource, "--tier", "free", "--amount",
              std::to_string(amount)});
    }

    std::string token(const std::string& team) {
        std::string text = done({"agent", "token", team});
        text.pop_back();
        return text;
    }
    core::Result<core::wire::EnrollReply> enroll(const std::string& token, const std::string& key) {
        const auto request = platform::tls::make_certificate_request(key, "new");
        REQUIRE(request);
        return in_transaction([&] { return account::enroll(*store_, {token, *request, "one"}); });
    }
    // A new agent of the team, by its id.
    std::string agent(const std::string& team) {
        const auto key = platform::tls::generate_key();
        REQUIRE(key);
        const auto reply = enroll(token(team), *key);
        REQUIRE(reply);
        return reply->agent;
    }

    account::Agent agent_row(const std::string& team, const std::string& id) {
        for (const account::Agent& agent : account::list_agents(database(), team)) {
            if (agent.id == id) return agent;
        }
        FAIL("no agent " << id);
        return {};
    }

    // Its first incarnation is over.
    void begin_second_incarnation(const std::string& agent) {
        database().run(
            "INSERT INTO incarnation (agent, number, acknowledged, acknowledged_hash, usage_acknowledged, "
            "starts_after, ended_at) VALUES (?, 1, 0, '', 0, 0, ?)",
            agent, clock.wall_now());
        database().run("UPDATE agent SET incarnation = 2 WHERE id = ?", agent);
    }

    core::Result<core::wire::HelloReply> hello(const std::string& team,
                                               const core::wire::HelloRequest& request) {
        return in_transaction([&] {
            return account::hello(exchange(), agent_row(team, request.agent), request,
                                  platform::system::random_hex(random));
        });
    }
    // Says hello with nothing metered yet: the session's id.
    std::string session(const std::string& team, const std::string& agent) {
        core::wire::HelloRequest request;
        request.agent = agent;
        request.nonce = platform::system::random_hex(random);
        const auto reply = hello(team, request);
        REQUIRE(reply);
        return reply->session;
    }
    // With all usage in one hour where the test says none: an agent says it beside its counters.
    core::Result<core::wire::SyncReply> sync(const std::string& team, const std::string& agent,
                                             core::wire::SyncRequest request) {
        if (request.usage.empty()) {
            for (const core::wire::ResourceCounters& said : request.resources)
                if (said.metered > core::Amount{})
                    request.usage.push_back({said.resource, {472'222}, "", said.metered});
        }
        return in_transaction([&] { return account::sync(exchange(), agent_row(team, agent), request); });
    }

    account::Exchange exchange() {
        return {database(), signer, settings, clock.wall_now(), nullptr, &store_->kept_pool()};
    }

    // Of the team `lab`, which most tests have alone.
    core::Card card() {
        account::Pool pool(database(), "lab");
        return account::team_cards(pool, account::load_catalogue(database()), settings, clock.wall_now())
            .front();
    }
    // Its books agree; what there is to say of them all the same.
    std::vector<std::string> check_audit() {
        const auto report = account::audit(database(), "lab", clock.wall_now());
        INFO((report.ok() ? "" : report.differences.front()));
        CHECK(report.ok());
        return report.findings;
    }

    FakeClock clock;
    SeededRandom random;
    PlainSigner signer;
    account::Settings settings;

private:
    AccountPlace place_;
    std::unique_ptr<account::Store> store_;
};

// What one agent says of one resource of units of 1 000: what took no slot is overage.
inline core::wire::ResourceCounters counters(const std::string& resource, std::int64_t metered,
                                             std::int64_t need, std::int64_t wanted,
                                             std::vector<core::wire::TrancheCounters> tranches = {}) {
    core::wire::ResourceCounters said;
    said.resource = resource;
    said.metered = core::Amount{metered};
    said.remainder = core::Amount{metered % 1'000};
    said.need = core::Units{need};
    said.wanted = core::Units{wanted};
    said.tranches = std::move(tranches);
    core::Units rest{metered / 1'000};
    for (const core::wire::TrancheCounters& tranche : said.tranches) rest -= tranche.used;
    said.overage_units = std::max(core::Units{}, rest);
    return said;
}

inline core::Lease lease_of(const core::wire::SyncReply& reply) {
    REQUIRE(reply.lease);
    auto lease = core::lease_from_json(*reply.lease);
    REQUIRE(lease);
    return *lease;
}

// G of one resource's tranches in a lease, added up, without what is of the next cycle.
inline std::int64_t granted(const core::Lease& lease, const std::string& resource) {
    std::int64_t sum = 0;
    for (const core::LeaseResource& part : lease.resources) {
        if (part.key != resource) continue;
        for (const core::LeaseTranche& tranche : part.tranches)
            if (tranche.valid_from <= lease.issued_at) sum += tranche.granted.value();
    }
    return sum;
}

}  // namespace meterbox::tests
