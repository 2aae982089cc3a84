// An account that is older than what it said: from a backup, or put back by hand. It finds out, learns from
// its agents' signed leases, and sells nothing twice meanwhile.
#include <filesystem>

#include "account/audit.hpp"
#include "account/backup.hpp"
#include "account/catalogue.hpp"
#include "account/learning.hpp"
#include "account/pool.hpp"
#include "account/retirement.hpp"
#include "account/team_cards.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;
using core::wire::HelloRequest;
using core::wire::SyncRequest;
using core::wire::Verdict;
namespace fs = std::filesystem;

namespace {

struct Speaker {
    std::string id;
    std::int64_t incarnation = 1;
    std::int64_t link = 1;
    std::int64_t used = 0;
    std::int64_t returned = 0;
    std::string returned_of = "t1";
    std::int64_t later = 0;  // used of t2, beside t1
    std::string session;
    std::string lease;  // as it was signed
    std::int64_t requests = 0;
    std::string tranche = "t1";
    std::int64_t acknowledged = 0;

    std::vector<core::wire::ResourceCounters> said(std::int64_t need) const {
        std::vector<core::wire::TrancheCounters> tranches;
        if (used > 0) tranches.push_back({tranche, Units{used}, Units{0}, {{{472'222}, Units{used}}}});
        if (returned > 0) tranches.push_back({returned_of, Units{0}, Units{returned}, {}});
        if (later > 0) tranches.push_back({"t2", Units{later}, Units{0}, {{{472'222}, Units{later}}}});
        return {counters("render", (used + later) * 1'000, need, 0, tranches)};
    }
};

struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        free_grant("lab", "render", 20);
        for (Speaker* speaker : {&one, &two}) {
            speaker->id = agent("lab");
            REQUIRE(say_hello(*speaker) == Verdict::ok);
        }
    }
    Verdict say_hello(Speaker& of) {
        HelloRequest said;
        said.agent = of.id;
        said.incarnation = of.incarnation;
        said.head = {of.link, "link " + std::to_string(of.link)};
        said.acknowledged = {of.acknowledged,
                             of.acknowledged ? "link " + std::to_string(of.acknowledged) : ""};
        said.starts = {{1, "link 1"}};
        said.last_lease = of.lease;
        said.resources = of.said(0);
        said.nonce = platform::system::random_hex(random);
        const auto reply = hello("lab", said);
        REQUIRE(reply);
        of.session = reply->session;
        of.incarnation = reply->incarnation;
        of.requests = 0;
        return reply->verdict;
    }
    // How much its lease grants afterwards.
    std::int64_t say_sync(Speaker& of, std::int64_t need) {
        SyncRequest said;
        said.session = of.session;
        said.request_number = ++of.requests;
        said.resources = of.said(need);
        said.head = {of.link, "link " + std::to_string(of.link)};
        said.starts = {{1, "link 1"}};
        const auto reply = sync("lab", of.id, said);
        REQUIRE(reply);
        of.acknowledged = reply->acknowledged.sequence;
        learning = reply->learning;
        if (reply->lease) of.lease = *reply->lease;
        return of.lease.empty() ? 0 : granted(*core::lease_from_json(of.lease), "render");
    }
    // It names what the account has forgotten: it tells all, and hears that it is another incarnation.
    void leave_behind(Speaker& of) {
        CHECK(say_hello(of) == Verdict::learning);
        say_sync(of, 4);
        CHECK(learning);
        CHECK(agent_row("lab", of.id).session.empty());
        CHECK(say_hello(of) == Verdict::fenced);
        CHECK_FALSE(agent_row("lab", of.id).fenced_at);
        CHECK(of.incarnation == 2);
    }
    void use(Speaker& of, std::int64_t units) {
        of.used += units;
        ++of.link;
    }
    void put_back(const fs::path& copy) {
        close();
        fs::remove(folder() / "account.db");
        fs::copy_file(copy, folder() / "account.db");
        reopen();
    }
    std::int64_t number(const char* sql) { return database().number(sql); }
    core::Card card() {
        account::Pool pool(database(), "lab");
        return account::team_cards(pool, account::load_catalogue(database()), settings, clock.wall_now())
            .front();
    }
    std::vector<std::string> check_audit() {
        const auto report = account::audit(database(), "lab");
        INFO((report.ok() ? "" : report.differences.front()));
        CHECK(report.ok());
        return report.findings;
    }

    Speaker one, two;
    bool learning = false;  // as the last sync said
};

}  // namespace

TEST_CASE_METHOD(Lab, "a restored account learns what it granted, and grants nothing until each was heard",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    CHECK(account::back_up(store(), backup).error().code == core::ErrorCode::conflict);
    use(one, 3);
    CHECK(say_sync(one, 6) == 9);
    CHECK(say_sync(two, 5) == 5);

    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(number("SELECT epoch FROM account") == 2);
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(card().leased_units == Units{6});  // of 9, 3 are used
    CHECK(card().charged_units == Units{3});
    CHECK(say_sync(one, 10) == 9);
    CHECK(say_hello(two) == Verdict::learning);
    CHECK(say_sync(two, 0) == 5);  // and with its word all of them were heard
    CHECK(say_sync(one, 8) > 9);
    CHECK(core::lease_from_json(one.lease)->epoch == 2);
    const auto findings = check_audit();
    CHECK(std::ranges::any_of(findings, [](const std::string& finding) {
        return finding.find("restored from backup") != std::string::npos;
    }));
}

TEST_CASE_METHOD(Lab, "an agent that never comes back is written off, and the team has learned", "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(say_sync(one, 6) == 4);
    done({"agent", "write-off", two.id, "--as", "hold"});
    CHECK(say_sync(one, 6) == 6);
    CHECK(say_hello(one) == Verdict::ok);
    check_audit();
}

TEST_CASE_METHOD(Lab, "a store put back by hand is found out by the first lease that it doesn't know",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    close();
    const fs::path copy = folder().parent_path() / "copy.db";
    fs::copy_file(folder() / "account.db", copy);
    reopen();
    use(one, 4);
    CHECK(say_sync(one, 7) == 11);
    put_back(copy);
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(number("SELECT epoch FROM account") == 2);
    CHECK(card().leased_units == Units{7});
    CHECK(card().charged_units == Units{4});
    const auto findings = check_audit();
    CHECK(std::ranges::any_of(findings, [](const std::string& finding) {
        return finding.find("it was put back") != std::string::npos;
    }));
}

TEST_CASE_METHOD(Lab, "what was granted twice meanwhile is owed, and nobody loses it", "[folder]") {
    close();
    const fs::path copy = folder().parent_path() / "copy.db";
    fs::copy_file(folder() / "account.db", copy);
    reopen();
    CHECK(say_sync(one, 15) == 15);
    put_back(copy);
    CHECK(say_hello(two) == Verdict::ok);
    CHECK(say_sync(two, 12) == 12);  // before anybody said how old the store is
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(number("SELECT available FROM tranche") == -7);
    CHECK(say_sync(one, 0) == 15);
    CHECK(say_hello(two) == Verdict::learning);
    CHECK(say_sync(two, 0) == 12);
    CHECK(say_sync(one, 16) == 15);  // there is nothing
    check_audit();
}

TEST_CASE_METHOD(Lab, "units of a grant that came after the backup count as usage without a slot",
                 "[folder]") {
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(say_sync(one, 0) >= 0);
    REQUIRE(account::back_up(store(), backup));
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "50", "--ends",
          core::format_rfc3339(clock.wall_now() + core::day_ms)});
    CHECK(say_sync(one, 4) == 4);
    one.tranche = "t2";
    use(one, 2);
    say_sync(one, 0);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    leave_behind(one);
    check_audit();
}

TEST_CASE_METHOD(Lab, "what an agent used is charged, and of a forgotten grant it waits for units",
                 "[folder]") {
    CHECK(say_sync(one, 20) == 20);
    use(one, 3);
    say_sync(one, 0);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    free_grant("lab", "render", 50);
    use(one, 16);
    CHECK(say_sync(one, 8) == 27);
    one.later = 5;
    ++one.link;
    say_sync(one, 0);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    leave_behind(one);
    CHECK(number("SELECT charged FROM tranche WHERE id = 1") == 19);
    CHECK(number("SELECT sum(units) FROM unit_hour") == 19);
    CHECK(number("SELECT leased FROM tranche WHERE id = 1") == 1);  // it may be in use still
    CHECK(number("SELECT overage_units FROM team_resource") == 5);
    CHECK(number("SELECT metered FROM agent_resource WHERE incarnation = 1 AND metered = 24000") == 24'000);
    CHECK(number("SELECT acknowledged FROM incarnation") == one.link);
    const std::int64_t incarnation = one.incarnation;
    one.incarnation = 1;  // the answer was lost, and it went on
    ++one.link;
    one.lease.clear();
    CHECK(say_hello(one) == Verdict::fenced);
    CHECK(one.incarnation == incarnation);
    one.used = one.later = 0;  // all of it counts in its incarnation of before
    say_sync(one, 0);
    CHECK(number("SELECT leased + in_doubt FROM tranche WHERE id = 1") == 0);  // by its own word
    CHECK(say_hello(two) == Verdict::learning);
    say_sync(two, 0);
    CHECK(number("SELECT charged FROM tranche") == 20);  // with the one that came back
    free_grant("lab", "render", 50);
    say_sync(two, 0);
    CHECK(number("SELECT sum(charged) FROM tranche") == 24);
    CHECK(number("SELECT overage_units FROM team_resource") == 0);
    check_audit();
}

TEST_CASE_METHOD(Lab, "what was leased of a forgotten lease is in doubt if its agent is never heard again",
                 "[folder]") {
    CHECK(say_sync(one, 6) == 6);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    use(one, 4);
    one.later = 3;
    ++one.link;
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    leave_behind(one);
    CHECK(number("SELECT leased FROM tranche") == 2);
    done({"agent", "write-off", one.id, "--as", "hold"});
    CHECK(number("SELECT leased FROM tranche") == 0);
    CHECK(number("SELECT in_doubt FROM tranche") == 2);
    check_audit();
}

TEST_CASE_METHOD(Lab, "what came back twice of a grant that has ended since isn't owed", "[folder]") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "4", "--ends",
          core::format_rfc3339(clock.wall_now() + core::hour_ms)});
    CHECK(say_sync(one, 4) == 4);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    one.returned_of = "t2";
    for (const std::int64_t returned : {4, 8}) {
        one.returned = returned;
        ++one.link;
        say_sync(one, 0);
        if (returned == 4) CHECK(say_sync(one, 4) == 8);
    }
    clock.advance(2 * core::hour_ms);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(number("SELECT available FROM tranche WHERE id = 2") == 0);
    CHECK(number("SELECT expired FROM tranche WHERE id = 2") == 4);
    check_audit();
}

TEST_CASE_METHOD(Lab, "an agent that retires while the account learns leaves nothing in doubt", "[folder]") {
    CHECK(say_sync(one, 6) == 6);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    use(one, 4);
    one.later = 3;  // of a grant that nobody knows of
    ++one.link;
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::learning);
    core::wire::RetireRequest last;
    last.session = one.session;
    last.resources = one.said(0);
    last.head = {one.link, "link " + std::to_string(one.link)};
    const auto reply = in_transaction(
        [&] { return account::retire(exchange(), agent_row("lab", one.id), last, "receipt"); });
    REQUIRE(reply);
    CHECK(reply->receipt == "receipt");
    CHECK(number("SELECT charged FROM tranche") == 4);
    CHECK(number("SELECT leased + in_doubt FROM tranche") == 0);
    CHECK(number("SELECT overage_units FROM team_resource") == 3);
    check_audit();
}

TEST_CASE_METHOD(Lab, "of more than it can have been granted an agent is charged what is known of it",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    use(one, 1);
    say_sync(one, 0);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    CHECK(say_sync(one, 9) == 10);
    use(one, 7);
    say_sync(one, 0);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    one.lease.clear();  // nobody signed more than is known
    leave_behind(one);
    CHECK(number("SELECT charged FROM tranche") == 4);
    CHECK(number("SELECT in_doubt FROM tranche") == 0);
    CHECK(number("SELECT sum(units) FROM unit_hour") == 4);
    CHECK(number("SELECT overage_units FROM team_resource") == 4);
    check_audit();
}

TEST_CASE_METHOD(Lab, "units that came back after the backup are leased once, though a grant was forgotten",
                 "[folder]") {
    CHECK(say_sync(one, 15) == 15);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    one.returned = 15;
    ++one.link;
    say_sync(one, 0);
    CHECK(say_sync(two, 18) == 18);  // 13 of them are the same
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--cap", "50"});
    one.tranche = "t2";
    say_sync(one, 4);
    use(one, 2);
    say_sync(one, 0);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(two) == Verdict::learning);
    CHECK(say_sync(two, 0) == 18);
    CHECK(number("SELECT available FROM tranche WHERE id = 1") < 0);
    leave_behind(one);
    CHECK(number("SELECT leased FROM tranche WHERE id = 1") == 20);  // two's, and what it holds of it still
    CHECK(number("SELECT available FROM tranche WHERE id = 1") == 0);
    check_audit();
}

TEST_CASE_METHOD(Lab, "a lease that this account didn't sign for this agent teaches it nothing") {
    CHECK(say_sync(one, 4) == 4);
    core::Lease forged = *core::lease_from_json(one.lease);
    forged.number = 900;
    forged.agent = two.id;
    one.lease = core::lease_to_json(forged);
    CHECK(say_hello(one) == Verdict::ok);
    forged.agent = one.id;
    forged.account = "another";
    one.lease = core::lease_to_json(forged);
    CHECK(say_hello(one) == Verdict::ok);
    CHECK(number("SELECT epoch FROM account") == 1);
}

TEST_CASE_METHOD(Lab, "what is no backup is refused, and the store stays as it is", "[folder]") {
    const fs::path file = folder().parent_path() / "no-backup";
    done({"team", "add", "kept"});
    close();
    CHECK_FALSE(account::restore(folder(), file, clock));
    fs::copy_file(folder() / "account.db", file);
    CHECK_FALSE(account::restore(folder(), file, clock));
    fs::resize_file(file, 100);
    CHECK_FALSE(account::restore(folder(), file, clock));
    reopen();
    CHECK(number("SELECT count(*) FROM team") == 2);
    CHECK(number("SELECT epoch FROM account") == 1);
}

TEST_CASE_METHOD(Lab, "a store put back by hand is found out by counters that it doesn't know, for that team",
                 "[folder]") {
    done({"team", "add", "other"});
    const std::string neighbour = agent("other");
    CHECK(say_sync(one, 4) == 4);
    close();
    const fs::path copy = folder().parent_path() / "copy.db";
    fs::copy_file(folder() / "account.db", copy);
    reopen();
    use(one, 1);
    CHECK(say_sync(one, 0) == 4);  // by the same lease
    put_back(copy);
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(number("SELECT epoch FROM account") == 1);
    CHECK_FALSE(agent_row("other", neighbour).learning);
    CHECK(card().charged_units == Units{1});
    CHECK(say_sync(one, 5) == 4);
    CHECK(learning);
    CHECK(say_hello(two) == Verdict::learning);
    say_sync(two, 0);
    CHECK_FALSE(learning);
    CHECK(say_sync(one, 5) > 4);
    const auto findings = check_audit();
    CHECK(std::ranges::any_of(findings, [](const std::string& finding) {
        return finding.find("acknowledged up to link 2") != std::string::npos;
    }));
}

TEST_CASE_METHOD(Lab, "an agent in an incarnation that the store has forgotten goes on in one after it") {
    CHECK(say_sync(one, 4) == 4);
    use(one, 2);
    CHECK(say_sync(one, 0) == 4);
    one.incarnation = 3;
    one.used = 0;
    use(one, 0);
    one.lease.clear();
    CHECK(say_hello(one) == Verdict::fenced);
    CHECK(one.incarnation == 4);
    CHECK_FALSE(agent_row("lab", one.id).fenced_at);
    CHECK(card().charged_units == Units{2});
    check_audit();
}

TEST_CASE_METHOD(Lab, "a unit that was booked to an earlier tier is booked there again, and its slot is free",
                 "[folder]") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "4"});
    CHECK(say_sync(one, 20) == 20);  // all that is free
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    say_hello(two);
    say_sync(two, 0);
    say_hello(one);
    say_sync(one, 0);
    // As it was found after both had used flex slots that were booked to what one has given back since.
    in_transaction([&] {
        database().run("UPDATE tranche SET available = 3, leased = 17 WHERE id = 1");
        database().run("UPDATE tranche SET available = -2, charged = 6 WHERE id = 2");
        database().run("INSERT INTO holding VALUES (?, 1, 2, 6, 6, 0, 6, 0, 0)", one.id);
        database().run("INSERT INTO unit_hour VALUES (?, 1, ?, 2, 6, 0)", one.id,
                       clock.wall_now().ms / core::hour_ms + 1);
        account::Ledger ledger(database(), clock.wall_now());
        account::Pool pool(database(), "lab");
        account::settle_overdrawn(database(), ledger, pool, "render");
        return core::Result<void>{};
    });
    CHECK(number("SELECT available FROM tranche WHERE id = 2") == 0);
    CHECK(number("SELECT charged FROM tranche WHERE id = 2") == 4);
    CHECK(number("SELECT available FROM tranche WHERE id = 1") == 1);
    CHECK(number("SELECT charged FROM tranche WHERE id = 1") == 2);
}

TEST_CASE_METHOD(Lab, "once the account has learned its open invoice is in draw order", "[folder]") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    CHECK(say_sync(one, 4) > 4);  // and pay as you go rides last
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    one.later = 3;  // what was free had been used up, and came back since
    ++one.link;
    const auto restored = [&] {
        close();
        REQUIRE(account::restore(folder(), backup, clock));
        reopen();
        CHECK(say_hello(one) == Verdict::learning);
        say_sync(one, 0);
        CHECK(number("SELECT charged FROM tranche WHERE id = 2") == 3);  // what is unleased isn't known yet
    };
    const auto in_order = [&] {
        CHECK(number("SELECT charged FROM tranche WHERE id = 2") == 0);
        CHECK(number("SELECT charged FROM tranche WHERE id = 1") == 3);
        check_audit();
    };
    SECTION("by the word of the last") {
        restored();
        CHECK(say_hello(two) == Verdict::learning);
        say_sync(two, 0);
        CHECK_FALSE(learning);
        in_order();
    }
    SECTION("the last is written off") {
        restored();
        done({"agent", "write-off", two.id, "--as", "hold"});
        in_order();
    }
    SECTION("the last is revoked") {
        restored();
        done({"agent", "revoke", two.id});
        in_order();
    }
}

TEST_CASE_METHOD(Lab, "tranches made after a restore have numbers that no forgotten one had", "[folder]") {
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    free_grant("lab", "render", 5);
    CHECK(number("SELECT max(id) FROM tranche") == (std::int64_t{1} << 32) + 1);
}
