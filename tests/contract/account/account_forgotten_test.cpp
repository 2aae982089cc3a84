// An account that was put back and has forgotten a grant, or units that it leased: what agents used of what
// it knows is charged, the rest waits, and nothing is owed for ever.
#include "learning_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
namespace fs = std::filesystem;

TEST_CASE_METHOD(LearningLab, "units of a grant that came after the backup count as usage without a slot",
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

TEST_CASE_METHOD(LearningLab, "what an agent used is charged, and of a forgotten grant it waits for units",
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

TEST_CASE_METHOD(LearningLab,
                 "what was leased of a forgotten lease is in doubt if its agent is never heard again",
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

TEST_CASE_METHOD(LearningLab, "what came back twice of a grant that has ended since isn't owed", "[folder]") {
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

TEST_CASE_METHOD(LearningLab,
                 "tokens that a lease of an ended grant holds are of those that expired, and none are owed",
                 "[folder]") {
    database().run("UPDATE resource SET rate_flex = 2 WHERE key = 'render'");
    done({"grant", "add", "lab", "--tier", "flex", "--tokens", "30", "--ends",
          core::format_rfc3339(clock.wall_now() + core::hour_ms)});
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    CHECK(say_sync(one, 26) == 26);
    CHECK(number("SELECT leased FROM tranche WHERE resource = ''") == 12);
    clock.advance(2 * core::hour_ms);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    done({"balance", "lab"});  // whoever looks first finds that it has ended
    CHECK(number("SELECT expired FROM tranche WHERE resource = ''") == 30);
    CHECK(say_hello(one) == Verdict::learning);
    CHECK(number("SELECT leased FROM tranche WHERE resource = ''") == 12);
    CHECK(number("SELECT available FROM tranche WHERE resource = ''") == 0);
    CHECK(number("SELECT expired FROM tranche WHERE resource = ''") == 18);
    check_audit();
}

TEST_CASE_METHOD(LearningLab, "an agent that retires while the account learns leaves nothing in doubt",
                 "[folder]") {
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

TEST_CASE_METHOD(LearningLab, "of more than it can have been granted an agent is charged what is known of it",
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

TEST_CASE_METHOD(LearningLab,
                 "units that came back after the backup are leased once, though a grant was forgotten",
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

TEST_CASE_METHOD(LearningLab,
                 "an agent that was counted as lost in the backup, and heard again since, is charged once",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    done({"agent", "write-off", one.id, "--as", "count"});
    CHECK(number("SELECT charged FROM tranche") == 4);
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    CHECK(say_hello(one) == Verdict::ok);
    use(one, 3);
    say_sync(one, 0);
    CHECK(number("SELECT charged FROM tranche") == 3);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    SECTION("its own word settles what it was leased") {
        CHECK(say_hello(one) == Verdict::fenced);
        CHECK(number("SELECT charged FROM tranche") == 3);
        CHECK(one.counted == one.link);
        one.used = 0;  // all of it counts in its incarnation of before
        say_sync(one, 0);
        CHECK(number("SELECT leased + in_doubt FROM tranche") == 0);
        CHECK(number("SELECT sum(units) FROM unit_hour WHERE incarnation = 1") == 3);  // hello says no hours
        CHECK(number("SELECT count(*) FROM holding WHERE used > in_hours") == 0);
    }
    SECTION("in an incarnation that is forgotten it says so no more: an operator decides") {
        one.incarnation = 2;
        one.used = 1;
        CHECK(say_hello(one) == Verdict::fenced);
        CHECK(number("SELECT charged FROM tranche") == 0);
        CHECK(number("SELECT in_doubt FROM tranche") == 4);
        one.used = 0;
    }
    CHECK_FALSE(agent_row("lab", one.id).fenced_at);
    CHECK_FALSE(agent_row("lab", one.id).written_off_at);
    CHECK(say_hello(two) == Verdict::learning);
    say_sync(two, 0);
    check_audit();
}

TEST_CASE_METHOD(LearningLab,
                 "units counted of an agent that came back after the backup don't stay charged or in doubt",
                 "[folder]") {
    CHECK(say_sync(one, 10) == 10);
    use(one, 3);
    say_sync(one, 0);
    done({"agent", "write-off", one.id, "--as", GENERATE("count", "hold")});
    const fs::path backup = folder().parent_path() / "backup";
    REQUIRE(account::back_up(store(), backup));
    CHECK(say_hello(one) == Verdict::ok);
    use(one, 1);
    say_sync(one, 0);
    close();
    REQUIRE(account::restore(folder(), backup, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::fenced);
    CHECK(number("SELECT charged FROM tranche") == 4);
    SECTION("by its own word it uses no more of them") {
        one.used = 0;
        say_sync(one, 0);
        CHECK(number("SELECT leased + in_doubt FROM tranche") == 0);
    }
    SECTION("they are in doubt, and an operator decides, if it says no more") {
        CHECK(number("SELECT leased FROM tranche") == 6);
        done({"agent", "write-off", one.id, "--as", "release"});
        CHECK(number("SELECT leased + in_doubt FROM tranche") == 0);
    }
    CHECK(number("SELECT charged FROM tranche") == 4);
    check_audit();
}

TEST_CASE_METHOD(LearningLab,
                 "an agent that an older backup held for lost counts once when the newer one is put back",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    done({"agent", "write-off", one.id, "--as", GENERATE("count", "hold", "release")});
    const fs::path older = folder().parent_path() / "older";
    REQUIRE(account::back_up(store(), older));
    say_hello(one);  // of what was released, as another incarnation
    say_sync(one, 3);
    use(one, 3);
    say_sync(one, 0);
    const fs::path newer = folder().parent_path() / "newer";
    REQUIRE(account::back_up(store(), newer));
    const std::int64_t counted = one.link;
    const std::int64_t charged = number("SELECT charged FROM tranche");
    close();
    REQUIRE(account::restore(folder(), older, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::fenced);
    one.used = 0;  // what comes along of it waits
    ++one.link;
    close();
    REQUIRE(account::restore(folder(), newer, clock));
    reopen();
    CHECK(say_hello(one) == Verdict::fenced);
    CHECK(one.counted == counted);
    say_sync(one, 0);
    CHECK(number("SELECT charged FROM tranche") == charged);
    check_audit();
}
