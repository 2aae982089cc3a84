// Who waits for units of one resource while others ask for another one that can be had for the same tokens.
#include "account/retirement.hpp"
#include "core/wire_retirement.hpp"
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::wire::ResourceCounters;
using core::wire::SyncReply;

namespace {

// A unit of render is 3 tokens, one of api is 2.
struct TokenLine : Tiers {
    TokenLine() { resource("api", "2", "2"); }

    // An agent that was leased what it needed and holds it.
    struct Holder {
        Said said;
        std::string resource;
        core::Lease lease;
    };
    Holder holder_of(const std::string& key, std::int64_t need) {
        Holder holder{joined(), key, {}};
        holder.lease = lease_of(say(holder.said, counters(key, 0, need, 0)));
        return holder;
    }
    // Says nothing new of the other resource: of one that isn't mentioned an agent gets a unit to begin with.
    SyncReply say(Said& said, ResourceCounters of_one) {
        const ResourceCounters other = counters(of_one.resource == "api" ? "render" : "api", 0, 0, 0);
        return tell(said, {std::move(of_one), other});
    }
    // So many of its units, in all, from the last on.
    SyncReply give_back(Holder& holder, std::int64_t units) {
        ResourceCounters back = counters(holder.resource, 0, 0, 0);
        for (const core::LeaseResource& part : holder.lease.resources) {
            if (part.key != holder.resource) continue;
            for (auto tranche = part.tranches.rbegin(); tranche != part.tranches.rend(); ++tranche) {
                const std::int64_t here = std::min(units, tranche->granted.value());
                if (here > 0) back.tranches.push_back({tranche->tranche, Units{0}, Units{here}, {}});
                units -= here;
            }
        }
        return say(holder.said, back);
    }
    std::int64_t held(const Said& said, const std::string& key) {
        return database().number(
            "SELECT coalesce(sum(granted - used - returned), 0) FROM holding JOIN tranche ON tranche.id = "
            "holding.tranche WHERE agent = ? AND resource = ?",
            said.agent, key);
    }
};

}  // namespace

TEST_CASE_METHOD(
    TokenLine,
    "tokens that an older ticket waits for aren't leased to a later request for another resource") {
    grant({"--tier", "token_flex", "--tokens", "12"});
    Holder holder = holder_of("render", 4);
    Said waiting = joined();
    Said later = joined();
    CHECK(say(waiting, counters("render", 0, 3, 0)).wait_ticket);
    give_back(holder, 3);
    CHECK(say(later, counters("api", 0, 4, 0)).wait_ticket);
    CHECK(held(later, "api") == 0);
    give_back(holder, 4);
    say(later, counters("api", 0, 4, 0));
    CHECK(held(later, "api") == 1);  // 3 of the 12 tokens are left, and one is the rest
    CHECK_FALSE(say(waiting, counters("render", 0, 3, 0)).wait_ticket);
    CHECK(held(waiting, "render") == 3);
    audited();
}

TEST_CASE_METHOD(TokenLine,
                 "what one message asks for beside it doesn't take tokens from who waits before it") {
    grant({"--tier", "token_flex", "--tokens", "12"});
    Holder holder = holder_of("render", 4);
    Said waiting = joined();
    Said later = joined();
    say(waiting, counters("api", 0, 3, 0));
    give_back(holder, 4);
    tell(later, {counters("api", 0, 2, 0), counters("render", 0, 3, 0)});
    CHECK(held(later, "api") == 2);  // of six
    CHECK(held(later, "render") == 0);
    say(waiting, counters("api", 0, 3, 0));
    CHECK(held(waiting, "api") == 3);
    audited();
}

TEST_CASE_METHOD(TokenLine, "an agent's own places in the line count, one for each resource") {
    grant({"--tier", "token_flex", "--tokens", "12"});
    Holder holder = holder_of("render", 4);
    Said first = joined();
    Said second = joined();
    say(first, counters("render", 0, 2, 0));
    say(second, counters("api", 0, 3, 0));
    tell(first, {counters("render", 0, 2, 0), counters("api", 0, 1, 0)});
    give_back(holder, 4);
    tell(first, {counters("render", 0, 2, 0), counters("api", 0, 1, 0)});
    CHECK(held(first, "render") == 2);
    CHECK(held(first, "api") == 0);  // the other agent came before it for that
    say(second, counters("api", 0, 3, 0));
    CHECK(held(second, "api") == 3);
    audited();
}

TEST_CASE_METHOD(TokenLine, "a reserve leaves the tokens that anybody waits for, also a rest of them") {
    grant({"--tier", "token_flex", "--tokens", "16"});
    Said other = joined();
    const core::Lease first = lease_of(say(other, counters("api", 0, 1, 0)));
    Holder holder = holder_of("render", 4);  // 2 tokens are left: a unit of api, none of render
    Said waiting = joined();
    say(waiting, counters("render", 0, 2, 0));
    ResourceCounters wish = used_up(first, "api", 1, clock.wall_now());
    wish.wanted = Units{1};
    say(other, wish);
    CHECK(held(other, "api") == 0);
    give_back(holder, 4);
    say(waiting, counters("render", 0, 2, 0));
    CHECK(held(waiting, "render") == 2);
    say(other, wish);
    CHECK(held(other, "api") == 1);
    audited();
}

TEST_CASE_METHOD(TokenLine, "a rest of tokens that nobody before it could use is given to who needs it") {
    grant({"--tier", "token_flex", "--tokens", "14"});
    Holder holder = holder_of("render", 4);
    Said waiting = joined();
    Said other = joined();
    CHECK(say(waiting, counters("render", 0, 2, 0)).wait_ticket);
    CHECK_FALSE(say(other, counters("api", 0, 1, 0)).wait_ticket);
    CHECK(held(other, "api") == 1);
}

TEST_CASE_METHOD(TokenLine,
                 "who holds what others wait for as tokens is asked for it, and for what lies behind it") {
    grant({"--resource", "api", "--tier", "free", "--amount", "2"});
    grant({"--tier", "token_flex", "--tokens", "6"});
    grant({"--resource", "api", "--tier", "payg", "--cap", "1"});
    Holder holder = holder_of("api", 6);
    REQUIRE(held(holder.said, "api") == 6);
    CHECK(say(holder.said, counters("api", 0, 0, 0)).recall.empty());
    Said waiting = joined();
    say(waiting, counters("render", 0, 2, 0));
    const SyncReply asked = say(holder.said, counters("api", 0, 0, 0));
    REQUIRE(asked.recall.size() == 1);
    CHECK(asked.recall[0].resource == "api");
    CHECK(asked.recall[0].units == Units{4});  // what is free is of no use to who waits
    CHECK(asked.next_sync_ms == account::waiting_sync_ms);
    CHECK(give_back(holder, 4).recall.empty());
    say(waiting, counters("render", 0, 2, 0));
    CHECK(held(waiting, "render") == 2);
    audited();
}

TEST_CASE_METHOD(TokenLine, "resources that share no tokens have a line each") {
    units("free", "2");
    grant({"--resource", "api", "--tier", "free", "--amount", "2"});
    Holder holder = holder_of("render", 2);
    Said waiting = joined();
    Said later = joined();
    CHECK(say(waiting, counters("render", 0, 2, 0)).wait_ticket);
    CHECK_FALSE(say(later, counters("api", 0, 2, 0)).wait_ticket);
    CHECK(held(later, "api") == 2);
    CHECK(say(later, counters("api", 0, 0, 0)).recall.empty());
}

TEST_CASE_METHOD(TokenLine, "overage in custody takes no tokens that an agent waits for") {
    grant({"--tier", "token_flex", "--tokens", "1"});
    Said leaving = joined();
    Said waiting = joined();
    say(waiting, counters("render", 0, 1, 0));
    const ResourceCounters overage = counters("api", 2'000, 0, 0);
    say(leaving, overage);
    core::wire::RetireRequest last_word;
    last_word.session = leaving.request.session;
    last_word.resources = {overage};
    last_word.head.sequence = 1;
    REQUIRE(in_transaction(
        [&] { return account::retire(exchange(), agent_row("lab", leaving.agent), last_word, "receipt"); }));
    grant({"--tier", "token_flex", "--tokens", "4"});  // and custody looks at it
    CHECK(card("api").at("charged_units") == 0);
    say(waiting, counters("render", 0, 1, 0));
    CHECK(held(waiting, "render") == 1);
    grant({"--tier", "token_flex", "--tokens", "2"});
    CHECK(card("api").at("charged_units") == 1);
    audited();
}
