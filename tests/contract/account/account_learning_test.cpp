// An account that is older than what it said: from a backup, or put back by hand. It finds out, learns from
// its agents' signed leases, and sells nothing twice meanwhile.
#include "learning_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
namespace fs = std::filesystem;

TEST_CASE_METHOD(LearningLab,
                 "a restored account learns what it granted, and grants nothing until each was heard",
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

TEST_CASE_METHOD(LearningLab,
                 "a resource that a restored account has forgotten keeps nobody out who didn't use it",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    const auto add_scan = [&] {
        done({"resource", "add", "scan", "--kind", "exhaustible", "--measure", "count", "--unit", "1"});
    };
    add_scan();
    one.unused = two.unused = "scan";  // they heard of it with their next sync
    CHECK(say_sync(two, 3) == 3);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(say_hello(two) == Verdict::learning);
    CHECK(say_sync(one, 0) == 4);
    CHECK(say_sync(two, 5) == 5);
    check_audit();

    // What was used of it is known once it is there again.
    HelloRequest used;
    used.agent = one.id;
    used.head = {one.link + 1, "link"};
    used.starts = {{1, "link 1"}};
    used.resources = one.said(0);
    used.resources.back() = counters("scan", 7'000, 0, 0);
    used.nonce = platform::system::random_hex(random);
    const auto refused = hello("lab", used);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("unknown resource scan") != std::string::npos);
    CHECK(refused.error().detail.find("add it again") != std::string::npos);
    done({"resource", "add", "scan", "--kind", "exhaustible", "--measure", "count", "--unit", "1000"});
    CHECK(hello("lab", used));
}

TEST_CASE_METHOD(LearningLab, "an agent that never comes back is written off, and the team has learned",
                 "[folder]") {
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

TEST_CASE_METHOD(LearningLab, "a store put back by hand is found out by the first lease that it doesn't know",
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

TEST_CASE_METHOD(LearningLab, "what was granted twice meanwhile is owed, and nobody loses it", "[folder]") {
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

TEST_CASE_METHOD(LearningLab, "a lease that this account didn't sign for this agent teaches it nothing") {
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

TEST_CASE_METHOD(LearningLab, "what is no backup is refused, and the store stays as it is", "[folder]") {
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

TEST_CASE_METHOD(LearningLab,
                 "a store put back by hand is found out by counters that it doesn't know, for that team",
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

TEST_CASE_METHOD(LearningLab,
                 "an agent in an incarnation that the store has forgotten goes on in one after it") {
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

TEST_CASE_METHOD(LearningLab,
                 "a unit that was booked to an earlier tier is booked there again, and its slot is free",
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

TEST_CASE_METHOD(LearningLab, "once the account has learned its open invoice is in draw order", "[folder]") {
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

TEST_CASE_METHOD(LearningLab, "tranches made after a restore have numbers that no forgotten one had",
                 "[folder]") {
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    free_grant("lab", "render", 5);
    CHECK(number("SELECT max(id) FROM tranche") > std::int64_t{1} << 42);
}
