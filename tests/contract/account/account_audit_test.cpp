// The audit must fail: each table that it vouches for is damaged by hand, and it says so.
#include "account/audit.hpp"

#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

// A team that has bought, leased, used and returned.
struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        free_grant("lab", "render", 10);
        one = agent("lab");
        core::wire::SyncRequest said;
        said.session = session("lab", one);
        said.request_number = 1;
        said.resources = {counters("render", 0, 6, 0)};
        REQUIRE(sync("lab", one, said));
        said.request_number = 2;
        core::wire::TrancheCounters used{"t1", core::Units{3}, core::Units{1}, {{{472'222}, core::Units{3}}}};
        said.resources = {counters("render", 3'500, 0, 0, {used})};
        REQUIRE(sync("lab", one, said));
    }
    // At once; and the same in the smallest pieces.
    account::AuditReport audit() {
        account::Audit pieces("lab", 1);
        while (pieces.go_on(database(), clock.wall_now(), [] { return true; })) {
        }
        const account::AuditReport at_once = account::audit(database(), "lab", clock.wall_now());
        CHECK(pieces.report().differences == at_once.differences);
        CHECK(pieces.report().findings == at_once.findings);
        CHECK(pieces.report().entries == at_once.entries);
        return at_once;
    }
    std::string one;
};

}  // namespace

TEST_CASE_METHOD(Lab, "an untouched store passes the audit") {
    const account::AuditReport report = audit();
    CHECK(report.differences == std::vector<std::string>{});
    CHECK(report.findings == std::vector<std::string>{});
    CHECK(report.tranches == 1);
    CHECK(report.holdings == 1);
    CHECK(report.entries == 4);
    CHECK(command({"audit", "lab"}).exit == account::exit_done);
}

TEST_CASE_METHOD(Lab, "a store changed by hand fails the audit") {
    const char* damage = GENERATE(
        "UPDATE tranche SET available = available + 1, charged = charged - 1",
        "UPDATE tranche SET available = available - 1, expired = expired + 1",
        "UPDATE tranche SET purchased = purchased + 1, available = available + 1",
        "UPDATE tranche SET leased = leased - 1, in_doubt = in_doubt + 1",
        "UPDATE holding SET granted = granted + 1", "UPDATE holding SET used = used + 1",
        "UPDATE holding SET returned = returned - 1", "UPDATE unit_hour SET units = units + 1",
        "UPDATE unit_hour SET units = units - 1", "DELETE FROM unit_hour", "DELETE FROM holding",
        "UPDATE team_resource SET remainder = remainder + 1", "UPDATE grant_ SET amount = amount + 1",
        "INSERT INTO ledger (transaction_, at, tranche, from_, to_, units, agent, incarnation, reason) "
        "SELECT 9, 0, 1, 'leased', 'charged', 1, id, 1, 'charge' FROM agent",
        "DROP TRIGGER ledger_is_never_edited; UPDATE ledger SET units = units + 1 WHERE to_ = 'charged'",
        "DROP TRIGGER ledger_is_never_cut; DELETE FROM ledger WHERE to_ = 'charged'");
    INFO(damage);
    REQUIRE(store().connection().execute(in_its_words(damage)));
    CHECK_FALSE(audit().ok());
    const account::Outcome outcome = command({"--json", "audit", "lab"});
    CHECK(outcome.exit == account::exit_failed);
    CHECK(outcome.out.find("\"ok\":false") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "a row that others speak of and that is gone fails the audit") {
    const auto differences_after = [this](const std::string& change) {
        REQUIRE(store().connection().execute(change));
        return audit().differences.size();
    };
    const std::string without_keys =
        shared() ? "SET session_replication_role = replica; " : "PRAGMA foreign_keys = OFF; ";
    REQUIRE(audit().ok());
    SECTION("a tranche that has entries") {
        CHECK(differences_after(without_keys + "DELETE FROM tranche WHERE id = 1") > 0);
    }
    SECTION("a grant that has a tranche") {
        CHECK(differences_after(without_keys + "DELETE FROM grant_ WHERE id = 1") == 1);
    }
    SECTION("a resource that was granted and metered") {
        CHECK(differences_after(without_keys + "DELETE FROM resource WHERE key = 'render'") > 0);
        CHECK(audit().differences.front().find("resource render is granted") == 0);
    }
    SECTION("the agent that holds units, and was enrolled") {
        CHECK(differences_after(without_keys + "DELETE FROM agent") > 0);
    }
    SECTION("an agent that was enrolled, and holds nothing") {
        const std::string two = agent("lab");
        CHECK(differences_after(without_keys + "DELETE FROM agent WHERE id = '" + two + "'") == 1);
    }
}

TEST_CASE_METHOD(Lab, "a tranche whose end isn't its grant's fails the audit") {
    const auto differences_after = [this](const std::string& change) {
        REQUIRE(store().connection().execute(change));
        return audit().differences.size();
    };
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "10", "--ends",
          "2031-01-01"});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "10"});
    done({"grant", "end", "lab", "g3"});
    REQUIRE(audit().differences == std::vector<std::string>{});
    SECTION("one that never ends, called ended while there are units") {
        CHECK(differences_after("UPDATE tranche SET ended = 1 WHERE id = 1") == 2);
    }
    SECTION("one whose end is still to come, called ended") {
        CHECK(differences_after("UPDATE tranche SET ended = 1 WHERE id = 2") == 2);
    }
    SECTION("one whose end was changed") {
        CHECK(differences_after("UPDATE tranche SET ends_at = ends_at + 1 WHERE id = 2") == 1);
    }
    SECTION("one that ended as its time came") {
        clock.advance(std::int64_t{24} * 366 * 9 * 3'600'000);
        core::wire::SyncRequest said;
        said.session = session("lab", one);
        said.request_number = 1;
        said.resources = {counters("render", 3'500, 0, 0,
                                   {{"t1", core::Units{3}, core::Units{1}, {{{472'222}, core::Units{3}}}}})};
        REQUIRE(sync("lab", one, said));
        REQUIRE(database().number("SELECT count(*) FROM tranche WHERE ended = 1") == 2);
        CHECK(audit().ok());
    }
}

TEST_CASE_METHOD(Lab, "a tranche that isn't its grant's fails the audit") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    done({"resource", "add", "other", "--kind", "exhaustible", "--measure", "duration", "--unit", "1s",
          "--rate-flex", "3"});
    done({"grant", "add", "lab", "--tier", "flex", "--tokens", "30", "--ends", "2031-01-01"});
    done({"team", "add", "zz"});
    REQUIRE(audit().differences == std::vector<std::string>{});
    const char* change = GENERATE(
        "UPDATE tranche SET tier = 'flex' WHERE id = 1", "UPDATE tranche SET resource = 'other' WHERE id = 1",
        "UPDATE tranche SET team = 'zz' WHERE id = 1", "UPDATE grant_ SET tier = 'flex' WHERE id = 1",
        "UPDATE grant_ SET team = 'zz' WHERE id = 1", "UPDATE grant_ SET resource = 'other' WHERE id = 1",
        "UPDATE tranche SET ends_at = ends_at - 1 WHERE pool IS NOT NULL",
        "UPDATE tranche SET starts_at = starts_at + 1 WHERE resource = '' AND tier = 'flex'");
    INFO(change);
    REQUIRE(store().connection().execute(change));
    CHECK_FALSE(audit().ok());
}

TEST_CASE_METHOD(Lab, "a tranche that isn't as long as a cycle of its grant fails the audit") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "5", "--refresh",
          "cycle", "--ends", "2031-01-01"});
    REQUIRE(audit().differences == std::vector<std::string>{});
    const std::string of = GENERATE("(SELECT min(id) FROM tranche WHERE tier = 'payg')",
                                    "(SELECT max(id) FROM tranche WHERE tier = 'payg')",
                                    "(SELECT max(id) FROM tranche WHERE tier = 'flex')");
    const std::string change =
        GENERATE("ends_at = ends_at - 1", "ends_at = ends_at + 86400000 * 15", "ends_at = NULL",
                 "starts_at = starts_at + 3600000", "starts_at = starts_at - 1");
    INFO(change << " of " << of);
    REQUIRE(store().connection().execute("UPDATE tranche SET " + change + " WHERE id = " + of));
    CHECK_FALSE(audit().ok());
}

TEST_CASE_METHOD(Lab, "cycles that passed unseen, and one of a zone with summer time, are no difference") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--zone", "Europe/Paris"});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5", "--refresh",
          "cycle", "--zone", "America/New_York", "--anchor", "2026-01-31"});
    for (int i = 0; i < 15; ++i) {
        clock.advance(std::int64_t{24} * 3'600'000 * (i % 3 == 0 ? 75 : 16));
        done({"balance", "lab"});
        REQUIRE(audit().differences == std::vector<std::string>{});
        REQUIRE(audit().findings == std::vector<std::string>{});
    }
    REQUIRE(store().connection().execute(
        "UPDATE tranche SET ends_at = ends_at - 3600000 WHERE id = (SELECT max(id) FROM tranche)"));
    CHECK(audit().findings.size() == 1);  // a zone may have changed its mind
    REQUIRE(store().connection().execute(
        "UPDATE tranche SET ends_at = ends_at - 86400000 WHERE id = (SELECT max(id) FROM tranche)"));
    CHECK(audit().differences.size() == 1);
}

TEST_CASE_METHOD(Lab, "a price that was changed or is gone fails the audit of who pays it") {
    clock.advance(1'000);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    clock.advance(1'000);
    done({"resource", "set", "render", "--price", "200"});
    done({"team", "add", "free-of-charge"});
    REQUIRE(audit().differences == std::vector<std::string>{});
    const char* change = GENERATE(
        "UPDATE price SET price = 1 WHERE price = 200", "UPDATE price SET price = 1 WHERE price = 100",
        "DELETE FROM price", "UPDATE resource SET price = 1", "UPDATE resource SET currency = 'USD'",
        "UPDATE resource SET price = NULL, currency = NULL", "UPDATE grant_ SET price = 1");
    INFO(change);
    const bool of_grants = std::string_view(change).find("grant_") != std::string_view::npos;
    REQUIRE(store().connection().execute(std::string(change) + (of_grants ? " WHERE tier = 'payg'" : "")));
    CHECK_FALSE(audit().ok());
    CHECK(account::audit(database(), "free-of-charge", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Lab, "what agents metered, if changed or gone, fails the audit") {
    REQUIRE(audit().differences == std::vector<std::string>{});
    const char* change = GENERATE(
        "UPDATE agent_resource SET metered = metered + 1000", "UPDATE agent_resource SET metered = 0",
        "UPDATE agent_resource SET metered = metered + 1", "DELETE FROM agent_resource",
        "UPDATE agent_resource SET overage_units = 1; UPDATE team_resource SET overage_units = 1",
        "UPDATE resource SET unit_size = 2000", "UPDATE usage SET amount = amount + 100", "DELETE FROM usage",
        "UPDATE agent_resource SET told = told - 1");
    INFO(change);
    REQUIRE(store().connection().execute(change));
    CHECK_FALSE(audit().ok());
}

TEST_CASE_METHOD(Lab, "an entry whose reason or time was edited shows in the audit") {
    const auto edit = [this](const std::string& change) {
        REQUIRE(store().connection().execute(in_its_words("DROP TRIGGER ledger_is_never_edited; " + change)));
    };
    SECTION("a reason that the account never gives") {
        edit("UPDATE ledger SET reason = 'a present' WHERE to_ = 'charged'");
        REQUIRE(audit().differences.size() == 1);
        CHECK(audit().differences[0].find("a present") != std::string::npos);
    }
    SECTION("a reason of another move") {
        edit("UPDATE ledger SET reason = 'hand over' WHERE to_ = 'charged'");
        CHECK(audit().differences.size() == 1);
    }
    SECTION("a time before the entry before it") {
        edit("UPDATE ledger SET at = at - 3600000 WHERE to_ = 'charged'");
        CHECK(audit().ok());  // the account's own clock may have been set
        REQUIRE(audit().findings.size() == 1);
        CHECK(audit().findings[0].find("earlier than entry") != std::string::npos);
    }
    SECTION("a time that is still to come") {
        edit("UPDATE ledger SET at = at + 3600000 WHERE entry = (SELECT max(entry) FROM ledger)");
        REQUIRE(audit().findings.size() == 1);
        CHECK(audit().findings[0].find("still to come") != std::string::npos);
    }
}

TEST_CASE_METHOD(Lab, "a final invoice in another currency fails the audit") {
    REQUIRE(store().connection().execute(
        "UPDATE team SET currency = 'EUR'; INSERT INTO invoice SELECT key, 1, 2, 'EUR', 1, 3 FROM team"));
    CHECK(audit().ok());
    REQUIRE(store().connection().execute(
        in_its_words("DROP TRIGGER invoice_is_never_edited; UPDATE invoice SET currency = 'USD'")));
    REQUIRE(audit().differences.size() == 1);
    CHECK(audit().differences[0].find("currency") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "the database itself refuses what must never be") {
    const char* damage =
        GENERATE("UPDATE tranche SET charged = charged + 1", "UPDATE tranche SET available = -1",
                 "UPDATE holding SET used = granted + 1", "UPDATE ledger SET units = 7", "DELETE FROM ledger",
                 "UPDATE holding SET in_hours = used + 1");
    INFO(damage);
    CHECK_FALSE(store().connection().execute(damage));
    CHECK(audit().ok());
}

TEST_CASE_METHOD(Lab, "another team's damage is not this team's") {
    done({"team", "add", "other"});
    REQUIRE(store().connection().execute("UPDATE holding SET granted = granted + 1"));
    CHECK_FALSE(account::audit(database(), "lab", clock.wall_now()).ok());
    CHECK(account::audit(database(), "other", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Lab, "units whose hours weren't reported yet are a finding, not a difference") {
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    said.request_number = 1;
    said.resources = {counters("render", 4'500, 0, 0, {{"t1", core::Units{4}, core::Units{1}, {}}})};
    REQUIRE(sync("lab", one, said));
    CHECK(audit().ok());
    CHECK(audit().findings.size() == 1);
}

TEST_CASE_METHOD(Lab, "what is held of an ended grant, beyond what is leased, is no finding") {
    done({"resource", "add", "seat", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seat", 5);
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    said.request_number = 1;
    auto seats = counters("seat", 0, 5, 0);
    said.resources = {seats};
    REQUIRE(sync("lab", one, said));
    seats = counters("seat", 0, 0, 0);
    seats.held = core::Units{5};
    said.request_number = 2;
    said.resources = {seats};
    REQUIRE(sync("lab", one, said));
    done({"grant", "end", "lab", "g2"});
    seats.need = core::Units{5};
    seats.overage_units = core::Units{5};
    seats.tranches = {{"t2", core::Units{0}, core::Units{5}, {}}};
    said.request_number = 3;
    said.resources = {seats};
    REQUIRE(sync("lab", one, said));
    REQUIRE(database().number("SELECT overage_units FROM agent_resource WHERE resource = 'seat'") == 5);
    CHECK(audit().differences == std::vector<std::string>{});
    CHECK(audit().findings == std::vector<std::string>{});
}

TEST_CASE_METHOD(AccountFixture, "an audit in pieces is of one state, whatever is committed between them") {
    team_with("lab", "render");
    free_grant("lab", "render", 1'000);
    const std::string one = agent("lab");
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    const auto complete = [&](std::int64_t used) {
        said.request_number = used + 1;
        core::wire::TrancheCounters slots{"t1", core::Units{used}, {}, {{{472'222}, core::Units{used}}}};
        said.resources = {counters("render", used * 1'000, 0, 1, {slots})};
        REQUIRE(sync("lab", one, said));
    };
    std::int64_t used = 0;
    while (used < 10) complete(used++);
    account::Audit pieces("lab", 1);
    std::int64_t count = 0;
    while (pieces.go_on(database(), clock.wall_now(), [] { return true; })) {
        ++count;
        if (used < 40) complete(used++);
        if (used == 20)  // a tranche that it knows nothing of yet
            done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "10"});
    }
    CHECK(used == 40);
    CHECK(count > 30);
    CHECK(pieces.report().differences == std::vector<std::string>{});
    CHECK(pieces.report().entries == account::audit(database(), "lab", clock.wall_now()).entries);
}

TEST_CASE_METHOD(Lab, "usage by hour that was changed by hand fails the audit") {
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    said.request_number = 1;
    const core::wire::TrancheCounters slots{
        "t1", core::Units{4}, core::Units{1}, {{{472'222}, core::Units{4}}}};
    said.resources = {counters("render", 4'500, 0, 0, {slots})};
    said.usage = {{"render", {472'222}, "", core::Amount{4'000}},
                  {"render", {472'222}, "b", core::Amount{500}}};
    REQUIRE(sync("lab", one, said));
    CHECK(audit().findings == std::vector<std::string>{});
    const char* damage =
        GENERATE("UPDATE usage SET amount = amount + 1", "DELETE FROM usage WHERE subject = 'b'",
                 "UPDATE usage SET amount = 9223372036854775807", "UPDATE usage SET resource = 'other'");
    INFO(damage);
    REQUIRE(database().changed_by("INSERT INTO resource SELECT 'other', name, kind, measure, unit_size, "
                                  "enforcement, rate_token_flex, rate_flex, price, currency, created_at, "
                                  "ever_unmetered FROM resource WHERE key = 'render'") == 1);
    REQUIRE(store().connection().execute(damage));
    CHECK_FALSE(audit().ok());
    REQUIRE_FALSE(audit().findings.empty());
    CHECK(audit().findings.front().find("usage by hour adds up to") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "what was written for good isn't replaced, either") {
    if (shared()) return;  // PostgreSQL has no such words
    const char* damage = GENERATE(
        "INSERT OR REPLACE INTO ledger SELECT entry, transaction_, at, tranche, from_, to_, units + 1, "
        "agent, incarnation, reason FROM ledger",
        "REPLACE INTO ledger SELECT * FROM ledger", "INSERT OR REPLACE INTO invoice SELECT * FROM invoice",
        "INSERT OR REPLACE INTO invoice_line SELECT * FROM invoice_line");
    REQUIRE(store().connection().execute(
        "INSERT INTO invoice SELECT key, 1, 2, 'EUR', 1, 3 FROM team; "
        "INSERT INTO invoice_line SELECT key, 1, 1, 'render', 1, 0, 1, '' FROM team"));
    INFO(damage);
    CHECK_FALSE(store().connection().execute(damage));
}
