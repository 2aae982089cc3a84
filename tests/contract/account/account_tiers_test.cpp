// Grants of every tier at the account: cycles that refresh, pools of tokens, ends, cards.
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE_METHOD(
    Tiers, "worked example 3: six units come from free, token_flex, flex and payg, and tokens stay over") {
    units("free", "2");
    grant({"--tier", "token_flex", "--tokens", "7"});
    grant({"--tier", "flex", "--tokens", "4"});
    grant({"--resource", "render", "--tier", "payg"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 6, 1)});
    CHECK(of_tier(lease, "render", core::Tier::free) == 2);
    CHECK(of_tier(lease, "render", core::Tier::token_flex) == 2);
    CHECK(of_tier(lease, "render", core::Tier::flex) == 1);
    tell(one, {used_up(lease, "render", 6, clock.wall_now())});

    const auto shown = card();
    const auto& tiers = shown.at("tiers").as_array();
    REQUIRE(tiers.size() == 4);
    CHECK(shown.at("charged_units") == 6);
    CHECK(shown.at("available_units") == 0);  // one token of each pool stays and covers no unit
    CHECK(tiers[1].at("purchased_units") == 2);
    CHECK(tiers[3].at("purchased_units").is_null());
    CHECK(database().number("SELECT sum(available) FROM tranche WHERE resource = ''") == 2);
    audited();
}

TEST_CASE_METHOD(Tiers, "a token that one resource has leased can't be leased by another") {
    resource("api", "5", "2");
    grant({"--tier", "token_flex", "--tokens", "20"});
    Said one = joined();
    Said two = joined();
    CHECK(of_tier(sync_lease(one, {counters("api", 0, 0, 0), counters("render", 0, 5, 0)}), "render",
                  core::Tier::token_flex) == 5);
    const core::Lease second = sync_lease(two, {counters("api", 0, 9, 0), counters("render", 0, 0, 0)});
    CHECK(of_tier(second, "api", core::Tier::token_flex) == 1);  // 20 - 15 are 5: one unit at 5
    CHECK(of_tier(second, "render", core::Tier::token_flex) == 0);
    CHECK(database().number("SELECT available FROM tranche WHERE resource = ''") == 0);
    CHECK(database().number("SELECT leased FROM tranche WHERE resource = ''") == 20);
    // Leased counts as available, and each card counts the whole pool.
    CHECK(card("render").at("available_units") == 6);
    CHECK(card("api").at("available_units") == 4);
    tell(two, {used_up(second, "api", 1, clock.wall_now())});
    CHECK(card("render").at("available_units") == 5);
    CHECK(card("render").at("charged_units") == 0);
    CHECK(card("api").at("available_units") == 3);
    CHECK(card("api").at("charged_units") == 1);
    CHECK(card("api").at("used_percent") == 25);
    audited();
}

TEST_CASE_METHOD(Tiers, "units given back return their tokens to the pool, and repeated messages don't") {
    grant({"--tier", "flex", "--tokens", "10"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 3, 0)});
    auto back = counters("render", 0, 0, 0);
    back.tranches = {{lease.resources[0].tranches[0].tranche, Units{0}, Units{2}, {}}};
    tell(one, {back});
    CHECK(database().number("SELECT available FROM tranche WHERE resource = ''") == 7);
    REQUIRE(sync("lab", one.agent, one.request));
    CHECK(database().number("SELECT available FROM tranche WHERE resource = ''") == 7);
    audited();
}

TEST_CASE_METHOD(Tiers,
                 "a unit of a later tier is booked to tokens bought meanwhile only after their start") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "9"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 4, 0)});
    clock.advance(90 * core::minute_ms);
    grant({"--tier", "token_flex", "--tokens", "7"});
    // Completed in the hour in which the tokens were bought: perhaps before.
    tell(one, {used_up(lease, "render", 1, clock.wall_now())});
    CHECK(database().number("SELECT charged FROM tranche WHERE resource = ''") == 0);
    clock.advance(2 * core::hour_ms);
    auto later = used_up(lease, "render", 4, clock.wall_now());
    later.tranches[0].hours = {{core::hour_of(clock.wall_now()), Units{3}}};
    tell(one, {later});
    CHECK(database().number("SELECT charged FROM tranche WHERE resource = ''") ==
          6);  // two units of the three
    CHECK(card().at("charged_units") == 4);
    audited();
}

TEST_CASE_METHOD(Tiers, "a refreshing grant begins each cycle with its full amount, and nothing rolls over") {
    units("free", "10", {"--refresh", "cycle", "--anchor", "2026-07-15", "--zone", "Europe/Paris"});
    auto shown = card();
    CHECK(shown.at("available_units") == 10);
    CHECK(shown.at("refreshes_at") == "2026-08-14T22:00:00Z");
    CHECK(shown.at("ends_at").is_null());
    CHECK(shown.at("tiers").at(0).at("refreshes_at") == "2026-08-14T22:00:00Z");
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 4, 0)});
    tell(one, {used_up(lease, "render", 3, clock.wall_now())});
    CHECK(card().at("available_units") == 7);

    clock.set_wall(at("2026-08-14T21:59:59.999Z"));
    CHECK(card().at("available_units") == 7);
    clock.set_wall(at("2026-08-14T22:00:00Z"));
    shown = card();
    CHECK(shown.at("available_units") == 10);
    CHECK(shown.at("charged_units") == 0);
    CHECK(shown.at("refreshes_at") == "2026-09-14T22:00:00Z");
    CHECK(stored("expired", 1) == 6);
    CHECK(stored("leased", 1) == 1);
    audited();
}

TEST_CASE_METHOD(Tiers,
                 "a refreshing grant that nobody looked at for long has its current cycle, and one ahead") {
    units("free", "10", {"--refresh", "cycle"});
    clock.set_wall(at("2027-02-01T00:00:00Z"));
    CHECK(card().at("available_units") == 10);
    CHECK(card().at("refreshes_at") == "2027-02-20T00:00:00Z");
    CHECK(database().number("SELECT count(*) FROM tranche") == 4);
    CHECK(card().at("available_units") == 10);
    CHECK(database().number("SELECT count(*) FROM tranche") == 4);
    // The same for one that began in the past.
    units("flex", "7", {"--refresh", "cycle", "--starts", "2025-01-31T00:00:00Z"});
    CHECK(database().number("SELECT count(*) FROM tranche WHERE tier = 'flex'") == 2);
    CHECK(database().number("SELECT min(starts_at) FROM tranche WHERE tier = 'flex'") ==
          at("2027-01-31T00:00:00Z").ms);
}

TEST_CASE_METHOD(Tiers, "a refreshing grant's last cycle ends with it") {
    units("free", "10", {"--refresh", "cycle", "--ends", "2026-09-01"});
    CHECK(card().at("refreshes_at") == "2026-08-20T00:00:00Z");
    CHECK(card().at("ends_at") == "2026-09-01T00:00:00Z");
    clock.set_wall(at("2026-08-25T00:00:00Z"));
    CHECK(card().at("refreshes_at").is_null());
    CHECK(card().at("ends_at") == "2026-09-01T00:00:00Z");
    clock.set_wall(at("2026-09-01T00:00:00Z"));
    CHECK(card().at("state") == "ended");
    audited();
}

TEST_CASE_METHOD(Tiers, "a lease reaches into the next cycle: as many units as of this one, at most P / 2N") {
    units("free", "100", {"--refresh", "cycle", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 8, 0)});
    const auto& tranches = lease.resources[0].tranches;
    REQUIRE(tranches.size() == 2);
    CHECK(tranches[0].granted == Units{8});
    CHECK(tranches[0].ends_at == at("2026-08-15T00:00:00Z"));
    CHECK(tranches[1].granted == Units{8});
    CHECK(tranches[1].valid_from == at("2026-08-15T00:00:00Z"));
    CHECK(lease.cycle_boundaries ==
          std::vector{at("2026-08-15T00:00:00Z"), at("2026-09-15T00:00:00Z"), at("2026-10-15T00:00:00Z")});
    const core::Lease more = sync_lease(one, {counters("render", 0, 90, 0)});
    CHECK(more.resources[0].tranches[0].granted == Units{90});
    CHECK(more.resources[0].tranches[1].granted == Units{50});

    Said two = joined();
    const core::Lease second = sync_lease(two, {counters("render", 0, 10, 0)});
    REQUIRE(second.resources[0].tranches.size() == 2);
    CHECK(second.resources[0].tranches[1].granted == Units{10});
    audited();

    // When it has begun, it is the present one.
    clock.set_wall(at("2026-08-15T00:00:00Z"));
    const core::Lease later = sync_lease(one, {counters("render", 0, 60, 0)});
    CHECK(later.resources[0].tranches[0].granted == Units{60});
    CHECK(later.resources[0].tranches[0].valid_from == at("2026-08-15T00:00:00Z"));
    audited();
}

TEST_CASE_METHOD(Tiers, "the next cycle isn't leased while it begins after the lease's end") {
    clock.set_wall(at("2026-07-15T00:00:00Z"));
    units("free", "100", {"--refresh", "cycle"});
    Said one = joined();
    CHECK(sync_lease(one, {counters("render", 0, 8, 0)}).resources[0].tranches.size() == 1);
}

TEST_CASE_METHOD(Tiers, "a payg cap is a cycle's, and an open one has a tranche a cycle") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "5", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    CHECK(lease.resources[0].tranches[0].granted == Units{5});
    tell(one, {used_up(lease, "render", 5, clock.wall_now())});
    CHECK(card().at("available_units") == 0);
    clock.set_wall(at("2026-08-15T00:00:00Z"));
    CHECK(card().at("available_units") == 5);
    grant({"--resource", "render", "--tier", "payg"});
    CHECK(card().at("tiers").at(0).at("refreshes_at") == "2026-09-15T00:00:00Z");
    CHECK(card().at("available_units") == 5);
    audited();
}

TEST_CASE_METHOD(
    Tiers,
    "worked example 2: half a unit before the cycle's end and half after it is charged to the new one") {
    units("free", "10", {"--refresh", "cycle", "--anchor", "2026-07-15", "--zone", "Europe/Paris"});
    clock.set_wall(at("2026-08-14T21:59:59Z"));
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 500, 1, 1)});
    CHECK(card().at("charged_units") == 0);
    clock.set_wall(at("2026-08-14T22:30:00Z"));  // half past midnight in Paris
    CHECK(card().at("charged_units") == 0);
    auto said = counters("render", 1'000, 0, 0);
    said.overage_units = {};
    const auto& next = lease.resources[0].tranches.at(1);
    said.tranches = {{next.tranche, Units{1}, Units{0}, {{core::hour_of(clock.wall_now()), Units{1}}}}};
    tell(one, {said});
    CHECK(card().at("charged_units") == 1);
    CHECK(stored("charged", 1) == 0);
    CHECK(stored("charged", 2) == 1);
    audited();
}

TEST_CASE_METHOD(
    Tiers, "an ended grant gives nothing more: what is unleased at once, what is leased at the next sync") {
    units("free", "100", {"--refresh", "cycle", "--anchor", "2026-07-15"});
    Said one = joined();
    CHECK(sync_lease(one, {counters("render", 0, 8, 0)}).resources[0].tranches.size() == 2);
    CHECK(exit({"grant", "end", "lab", "g1"}) == exit_done);
    CHECK(card().at("state") == "ended");
    CHECK(stored("expired", 1) == 92);
    const auto listed = json({"grant", "list", "lab"})["grants"].at(0);
    CHECK(listed.at("state") == "ended");
    CHECK(listed.at("ends_at").as_string() == std::string_view(core::format_rfc3339(clock.wall_now())));
    CHECK(sync_lease(one, {counters("render", 0, 1, 0)}).resources[0].tranches.empty());
    clock.advance(40 * core::day_ms);
    CHECK(card().at("state") == "ended");
    audited();
    CHECK(exit({"grant", "end", "lab", "g1"}) == exit_failed);
    CHECK(exit({"grant", "end", "lab", "g7"}) == exit_failed);
    CHECK(exit({"grant", "end", "nobody", "g1"}) == exit_failed);
    CHECK(exit({"grant", "end", "lab", "t1"}) == exit_usage);
}

TEST_CASE_METHOD(Tiers,
                 "an ended pool of tokens covers no resource any more, and one that starts later none yet") {
    grant({"--tier", "flex", "--tokens", "30", "--starts", "2026-07-21"});
    CHECK(card().at("state") == "ended");
    clock.set_wall(at("2026-07-21T00:00:00Z"));
    CHECK(card().at("available_units") == 10);
    resource("late", "1", "2");  // a resource that comes after the tokens
    CHECK(card("late").at("available_units") == 15);
    CHECK(exit({"grant", "end", "lab", "g1"}) == exit_done);
    CHECK(card().at("state") == "ended");
    CHECK(database().number("SELECT expired FROM tranche WHERE resource = ''") == 30);
    audited();
}

TEST_CASE_METHOD(
    Tiers,
    "within a tier the grant that ends soonest is drawn first, then the smaller, tokens by their units") {
    units("flex", "5");
    grant({"--tier", "flex", "--tokens", "12"});  // 4 units
    units("flex", "50", {"--ends", "2027-01-01"});
    units("flex", "3", {"--refresh", "cycle"});  // the cycle ends soon, the grant never
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 62, 0)});
    std::vector<std::int64_t> order;
    for (const core::LeaseTranche& tranche : lease.resources[0].tranches)
        if (tranche.valid_from <= clock.wall_now()) order.push_back(tranche.granted.value());
    CHECK(order == std::vector<std::int64_t>{50, 3, 4, 5});
}

TEST_CASE_METHOD(Tiers, "grants that don't fit are refused in one line and leave nothing") {
    done({"resource", "add", "plain", "--kind", "exhaustible", "--measure", "count", "--unit", "1"});
    const auto adding = [this](const Words& more) {
        Words words{"grant", "add", "lab"};
        words.insert(words.end(), more.begin(), more.end());
        return exit(words);
    };
    for (const Words& more :
         {Words{"--tier", "token_flex"},
          Words{"--tier", "token_flex", "--resource", "render", "--amount", "5"},
          Words{"--tier", "token_flex", "--tokens", "0"}, Words{"--tier", "token_flex", "--tokens", "-5"},
          Words{"--tier", "token_flex", "--tokens", "1125899906842625"},
          Words{"--tier", "token_flex", "--tokens", "9223372036854775808"},
          Words{"--tier", "token_flex", "--tokens", "5", "--resource", "render"},
          Words{"--tier", "token_flex", "--tokens", "5", "--amount", "5"},
          Words{"--tier", "token_flex", "--tokens", "5", "--refresh", "cycle"},
          Words{"--tier", "free", "--tokens", "5"}, Words{"--tier", "payg", "--tokens", "5"},
          Words{"--tier", "flex"}, Words{"--tier", "flex", "--resource", "render"},
          Words{"--tier", "flex", "--resource", "render", "--amount", "5", "--refresh", "month"},
          Words{"--tier", "free", "--resource", "render", "--amount", "5", "--anchor", "2026-07-15"},
          Words{"--tier", "free", "--resource", "render", "--amount", "5", "--refresh", "cycle", "--anchor",
                "2026-02-30"},
          Words{"--tier", "free", "--resource", "render", "--amount", "5", "--zone", "Mars/Olympus"},
          Words{"--tier", "free", "--resource", "render", "--amount", "5", "--starts", "9000-01-01"},
          Words{"--tier", "payg", "--resource", "render", "--cap", "5", "--anchor", "15 July"}}) {
        INFO(more[1] << " " << more.back());
        CHECK(adding(more) == exit_usage);
    }
    CHECK(adding({"--tier", "payg", "--resource", "plain"}) == exit_failed);
    CHECK(database().number("SELECT count(*) FROM grant_") == 0);
    CHECK(database().number("SELECT count(*) FROM tranche") == 0);
    CHECK(database().number("SELECT count(*) FROM ledger") == 0);
    CHECK(adding({"--tier", "token_flex", "--tokens", "1125899906842624"}) == exit_done);
    for (const char* rate : {"0", "-1", "1000000001", "1.5"})
        CHECK(exit({"resource", "add", "r", "--kind", "exhaustible", "--measure", "count", "--unit", "1",
                    "--rate-flex", rate}) == exit_usage);
}

TEST_CASE_METHOD(Tiers, "a grant leaves nothing behind where another one's zone is unknown to this machine") {
    units("free", "5", {"--refresh", "cycle"});
    database().run("UPDATE grant_ SET zone = 'Mars/Olympus'");
    clock.advance(70 * core::day_ms);  // its next cycle is due
    const auto refused = command({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    CHECK(refused.exit == exit_failed);
    CHECK(refused.err.find("Mars/Olympus") != std::string::npos);
    CHECK(database().number("SELECT count(*) FROM grant_") == 1);
    CHECK(database().number("SELECT count(*) FROM team WHERE currency IS NOT NULL") == 0);
}

TEST_CASE_METHOD(Tiers, "a team has one billing anchor and zone, which later payg grants take over") {
    done({"team", "add", "studio", "--zone", "Europe/Paris"});
    const Words payg{"grant", "add", "studio", "--resource", "render", "--tier", "payg"};
    const auto with = [&](const Words& more) {
        Words words = payg;
        words.insert(words.end(), more.begin(), more.end());
        return exit(words);
    };
    CHECK(with({"--starts", "2026-07-15"}) == exit_done);
    CHECK(with({"--cap", "5", "--anchor", "2026-07-16"}) == exit_failed);
    CHECK(with({"--cap", "5", "--zone", "UTC"}) == exit_failed);
    CHECK(with({"--cap", "5", "--anchor", "2026-06-15", "--zone", "Europe/Paris"}) == exit_done);
    CHECK(with({"--cap", "5"}) == exit_done);
    CHECK(database().number("SELECT count(DISTINCT ends_at) FROM tranche WHERE starts_at < ?",
                            clock.wall_now()) == 1);
}

TEST_CASE_METHOD(Tiers, "a date is the first instant of its day in the grant's zone") {
    units("free", "5", {"--starts", "2026-08-01", "--ends", "2026-09-01", "--zone", "America/New_York"});
    const auto listed = json({"grant", "list", "lab"})["grants"].at(0);
    CHECK(listed.at("starts_at") == "2026-08-01T04:00:00Z");
    CHECK(listed.at("ends_at") == "2026-09-01T04:00:00Z");
    CHECK(listed.at("tokens").is_null());
    grant({"--tier", "flex", "--tokens", "9"});
    CHECK(json({"grant", "list", "lab"})["grants"].at(1).at("tokens") == 9);
    CHECK(json({"grant", "list", "lab"})["grants"].at(1).at("amount").is_null());
}
