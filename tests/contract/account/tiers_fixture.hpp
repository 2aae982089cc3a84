// A team whose one resource has prices and rates in every tier, agents that take part in its exchange, and
// its figures as commands show them. 1 000 of the resource are a unit.
#pragma once

#include <boost/json.hpp>

#include "account/audit.hpp"
#include "core/billing_cycle.hpp"
#include "core/json_reader.hpp"
#include "fixture.hpp"

namespace meterbox::tests {

using account::exit_done;
using account::exit_failed;
using account::exit_usage;
using core::Units;

using Words = std::vector<std::string>;

inline core::UtcTime at(const char* text) {
    return core::parse_rfc3339(text).value();
}

struct Tiers : AccountFixture {
    Tiers() {
        clock.set_wall(at("2026-07-20T12:00:00Z"));
        done({"team", "add", "lab"});
        resource("render", "3", "3");
    }
    void resource(const std::string& key, const std::string& token_flex, const std::string& flex) {
        done({"resource", "add", key, "--kind", "exhaustible", "--measure", "count", "--unit", "1000",
              "--rate-token-flex", token_flex, "--rate-flex", flex, "--price", "100", "--currency", "EUR"});
    }
    void grant(const Words& more) {
        Words words{"grant", "add", "lab"};
        words.insert(words.end(), more.begin(), more.end());
        done(words);
    }
    void units(const std::string& tier, const std::string& amount, const Words& more = {}) {
        Words words{"--resource", "render", "--tier", tier, "--amount", amount};
        words.insert(words.end(), more.begin(), more.end());
        grant(words);
    }
    int exit(const Words& words) {
        const account::Outcome outcome = command(words);
        INFO(outcome.err);
        CHECK(outcome.err.find('\n') == std::string::npos);
        CHECK((outcome.exit == exit_done || !outcome.err.empty()));
        return outcome.exit;
    }
    boost::json::object json(Words words) {
        words.push_back("--json");
        return core::parse_json(done(words))->as_object();
    }
    boost::json::object card(const std::string& key = "render") {
        const auto balance = json({"balance", "lab"});
        for (const auto& shown : balance.at("cards").as_array())
            if (shown.at("resource").as_string() == key) return shown.as_object();
        FAIL("no card of " << key);
        return {};
    }
    // What the account's tables say of one tranche.
    std::int64_t stored(std::string_view what, std::int64_t tranche) {
        return database().number(
            "SELECT CASE ?1 WHEN 'expired' THEN expired WHEN 'leased' THEN leased ELSE charged END FROM "
            "tranche "
            "WHERE id = ?2",
            what, tranche);
    }
    void audited() {
        const account::AuditReport report = account::audit(database(), "lab", clock.wall_now());
        INFO((report.ok() ? "" : report.differences.front()));
        CHECK(report.ok());
    }

    struct Said {
        std::string agent;
        core::wire::SyncRequest request;
    };
    Said joined() {
        Said said{agent("lab"), {}};
        said.request.session = session("lab", said.agent);
        return said;
    }
    // As after a break: its journal's head, started once, and its counters.
    core::Result<core::wire::HelloReply> say_hello(Said& who, std::int64_t incarnation,
                                                   const core::wire::JournalHead& head,
                                                   const core::wire::ResourceCounters& made) {
        core::wire::HelloRequest said;
        said.agent = who.agent;
        said.incarnation = incarnation;
        said.head = head;
        said.starts = {{1, "start"}};
        said.resources = {made};
        said.nonce = platform::system::random_hex(random);
        auto reply = hello("lab", said);
        if (reply) who.request.session = reply->session;
        who.request.request_number = 0;
        who.request.head = said.head;
        who.request.starts = said.starts;
        return reply;
    }
    core::wire::SyncReply tell(Said& said, std::vector<core::wire::ResourceCounters> resources) {
        ++said.request.request_number;
        said.request.resources = std::move(resources);
        const auto reply = sync("lab", said.agent, said.request);
        INFO((reply ? "" : reply.error().detail));
        REQUIRE(reply);
        return *reply;
    }
    core::Lease sync_lease(Said& said, std::vector<core::wire::ResourceCounters> resources) {
        return lease_of(tell(said, std::move(resources)));
    }
};

// Units of one tier in a lease.
inline std::int64_t of_tier(const core::Lease& lease, const std::string& resource, core::Tier tier) {
    std::int64_t sum = 0;
    for (const core::LeaseResource& part : lease.resources)
        for (const core::LeaseTranche& tranche : part.tranches)
            if (part.key == resource && tranche.tier == tier) sum += tranche.granted.value();
    return sum;
}

// A sync's words for `used` units of each tranche of the lease, in its order, as far as it gives them.
inline core::wire::ResourceCounters used_up(const core::Lease& lease, const std::string& resource,
                                            std::int64_t used, core::UtcTime now) {
    core::wire::ResourceCounters said = counters(resource, used * 1'000, 0, 0);
    said.overage_units = {};
    for (const core::LeaseResource& part : lease.resources) {
        if (part.key != resource) continue;
        for (const core::LeaseTranche& tranche : part.tranches) {
            const std::int64_t here = std::min(used, tranche.granted.value());
            if (here == 0 || tranche.valid_from > now) continue;
            said.tranches.push_back(
                {tranche.tranche, Units{here}, Units{0}, {{core::hour_of(now), Units{here}}}});
            used -= here;
        }
    }
    REQUIRE(used == 0);
    return said;
}

}  // namespace meterbox::tests
