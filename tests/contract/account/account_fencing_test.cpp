// Hello's judgement against a real store: who goes on, who is fenced, and what becomes of units and
// remainders.
#include "account/usage_roll_up.hpp"
#include "core/limits.hpp"
#include "fencing_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE_METHOD(FencingLab, "a restarted agent goes on: its journal has the link that is known") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'500, 1);
    REQUIRE(say_sync(disk, 0));
    disk.begin_start("second");
    CHECK(say_hello(disk)->verdict == Verdict::ok);
    CHECK(row().incarnation == 1);
    CHECK(evidence() == 0);
}

TEST_CASE_METHOD(FencingLab,
                 "worked example 12: yesterday's copy is fenced, its usage counts, and no unit twice") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'200, 1);
    REQUIRE(say_sync(disk, 0));
    Disk copy = disk;
    use(disk, 1'300, 1);  // 2 500 ms, 2 units: the account knows, the copy doesn't
    REQUIRE(say_sync(disk, 0));

    copy.begin_start("after the copy");
    use(copy, 2'000, 2);  // 3 200 ms on the copy
    const auto reply = say_hello(copy);
    REQUIRE(reply);
    CHECK(reply->verdict == Verdict::fenced);
    CHECK(reply->incarnation == 2);
    CHECK(reply->acknowledged.sequence == copy.starts.front().sequence - 1);
    // What it showed last stays: 2 units. The 2 it still held are in doubt; 500 ms are in custody.
    CHECK(card().charged_units == Units{2});
    CHECK(card().available_units == Units{10 - 2 - 2});
    CHECK(card().remainder == core::Amount{500});
    check_audit();

    carry(copy, *reply, 1'200);
    REQUIRE(say_sync(copy, 2));
    copy.used_units = 2;
    copy.commit("covered");
    REQUIRE(say_sync(copy, 0));
    CHECK(card().charged_units == Units{4});
    CHECK(card().remainder == core::Amount{500});
    CHECK(card().overage_units == Units{0});
    CHECK(evidence() == 0);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "a fenced agent whose answer was lost is told the same again") {
    REQUIRE(say_sync(disk, 4));
    Disk copy = disk;
    use(disk, 2'000, 2);
    REQUIRE(say_sync(disk, 0));
    copy.begin_start("after the copy");
    const auto first = hello("lab", hello_of(copy));
    use(copy, 1'000, 1);
    const auto second = say_hello(copy);
    REQUIRE(second);
    CHECK(second->verdict == Verdict::fenced);
    CHECK(second->incarnation == first->incarnation);
    CHECK(second->acknowledged.sequence == first->acknowledged.sequence);
    CHECK(row().incarnation == 2);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "a hello that arrives late neither fences its agent nor is held against it") {
    REQUIRE(say_sync(disk, 4));
    const HelloRequest late = hello_of(disk);
    use(disk, 2'000, 2);
    REQUIRE(say_sync(disk, 0));
    CHECK(hello("lab", late).error().code == core::ErrorCode::conflict);
    CHECK(row().incarnation == 1);
    CHECK(evidence() == 0);
    CHECK(say_sync(disk, 0));  // its session goes on

    HelloRequest level = hello_of(disk);  // as new as what is known: it ends the session, and no more
    CHECK(hello("lab", level)->verdict == Verdict::ok);
    CHECK(say_sync(disk, 0).error().code == core::ErrorCode::not_found);
    CHECK(say_hello(disk)->verdict == Verdict::ok);
    CHECK(row().incarnation == 1);
}

TEST_CASE_METHOD(FencingLab, "a copy that has no link of its own yet is asked for one, and then fenced") {
    REQUIRE(say_sync(disk, 4));
    Disk copy = disk;
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    CHECK(say_hello(copy).error().code == core::ErrorCode::conflict);
    copy.begin_start("asked for");
    CHECK(say_hello(copy)->verdict == Verdict::fenced);
}

TEST_CASE_METHOD(FencingLab,
                 "of two disks at work each is told apart, and the second fence waits for the operator") {
    REQUIRE(say_sync(disk, 4));
    Disk clone = disk;
    clone.begin_start("of the clone");
    use(clone, 1'000, 1);
    CHECK(say_hello(clone)->verdict == Verdict::ok);  // nothing is known that it doesn't have
    use(disk, 3'000, 3);
    const auto fenced = say_hello(disk);
    REQUIRE(fenced->verdict == Verdict::fenced);
    // Its own chain was known up to where the clone's began.
    CHECK(fenced->acknowledged.sequence == clone.starts.front().sequence - 1);
    carry(disk, *fenced, 0);
    REQUIRE(say_sync(disk, 3));

    use(clone, 1'000, 1);
    CHECK(say_sync(clone, 0).error().code == core::ErrorCode::not_found);
    const auto waits = say_hello(clone);
    REQUIRE(waits);
    CHECK(waits->verdict == Verdict::fenced);
    CHECK(waits->session.empty());
    CHECK(waits->incarnation == 1);
    CHECK(done({"agent", "list", "lab"}).find("fenced") != std::string::npos);
    REQUIRE(say_sync(disk, 0));  // the other works on

    done({"agent", "allow", disk.agent});
    CHECK(command({"agent", "allow", disk.agent}).exit == account::exit_failed);
    const auto allowed = say_hello(clone);
    CHECK(allowed->verdict == Verdict::fenced);
    CHECK(allowed->incarnation == 3);
    // Its chain is the one that was known: all of it up to there counts already.
    CHECK(allowed->acknowledged.sequence == clone.head.sequence - 1);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "the disk that isn't allowed doesn't go on as the one that is") {
    REQUIRE(say_sync(disk, 4));
    Disk clone = disk;
    clone.begin_start("of the clone");
    REQUIRE(say_hello(clone)->verdict == Verdict::ok);
    use(clone, 1'000, 1);
    REQUIRE(say_sync(clone, 0));
    disk.begin_start("of the disk");  // a link of the same number
    use(disk, 300, 0);
    const auto fenced = say_hello(disk);
    REQUIRE(fenced->verdict == Verdict::fenced);
    carry(disk, *fenced, 0);
    REQUIRE(say_sync(disk, 1));

    use(clone, 1'200, 1);
    REQUIRE(say_hello(clone)->session.empty());
    done({"agent", "allow", disk.agent});
    const auto allowed = say_hello(clone);
    REQUIRE(allowed->incarnation == 3);
    carry(clone, *allowed, 1'000);
    REQUIRE(say_sync(clone, 2));

    CHECK(say_sync(disk, 0).error().code == core::ErrorCode::not_found);
    use(disk, 100, 0);
    use(disk, 100, 0);  // longer than the other: the hash of one link alone doesn't tell them apart
    const auto waits = say_hello(disk);
    REQUIRE(waits);
    CHECK(waits->verdict == Verdict::fenced);
    CHECK(waits->session.empty());
    CHECK(waits->incarnation == 2);
    REQUIRE(say_sync(clone, 0));  // the other works on
    CHECK(evidence() == 0);
    check_audit();
}

TEST_CASE_METHOD(FencingLab,
                 "what a copy has of a disk that was fenced, and brought it since, isn't counted again") {
    REQUIRE(say_sync(disk, 4));
    Disk clone = disk;
    clone.begin_start("of the clone");
    REQUIRE(say_hello(clone)->verdict == Verdict::ok);
    use(disk, 300, 0);
    auto reply = say_hello(disk);
    REQUIRE(reply->incarnation == 2);
    carry(disk, *reply, 0);
    REQUIRE(say_sync(disk, 1));
    const auto let_go_on = [&](Disk& one, std::int64_t counted) {
        REQUIRE(say_hello(one)->session.empty());
        done({"agent", "allow", disk.agent});
        reply = say_hello(one);
        REQUIRE_FALSE(reply->session.empty());
        carry(one, *reply, counted);
        one.commit("of incarnation " + std::to_string(one.incarnation));
        REQUIRE(say_sync(one, 1));
    };
    use(clone, 200, 0);
    let_go_on(clone, 0);
    REQUIRE(reply->incarnation == 3);

    use(disk, 400, 0);  // the account hasn't heard of it
    Disk copy = disk;
    let_go_on(disk, 300);
    CHECK(disk.metered == 400);
    copy.begin_start("of the copy");
    use(copy, 70, 0);
    let_go_on(copy, 700);
    CHECK(reply->acknowledged.sequence == copy.starts.front().sequence - 1);
    CHECK(card().remainder == core::Amount{300 + 200 + 400 + 70});
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "usage that a copy has told by the hour isn't told again by its original") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 100, 0);
    Disk clone = disk;
    use(disk, 50, 0);
    disk.begin_start("of the disk");
    REQUIRE(say_hello(disk)->verdict == Verdict::ok);  // counters, and nothing by the hour
    clone.begin_start("of the clone");
    const auto fenced = say_hello(clone);
    REQUIRE(fenced->incarnation == 2);
    const std::int64_t copied = fenced->acknowledged.sequence;
    CHECK(fenced->usage_acknowledged < copied);
    carry(clone, *fenced, 100);
    REQUIRE(say_sync(clone, 0));  // and so all by the hour up to there

    disk.begin_start("again");
    REQUIRE(say_hello(disk)->session.empty());
    done({"agent", "allow", disk.agent});
    const auto allowed = say_hello(disk);
    REQUIRE(allowed->incarnation == 3);
    CHECK(allowed->acknowledged.sequence > copied);
    CHECK(allowed->usage_acknowledged == copied);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "usage that a copy has told only in part by the hour is told by its original") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 100, 0);
    Disk clone = disk;
    use(disk, 50, 0);
    disk.begin_start("of the disk");
    REQUIRE(say_hello(disk)->verdict == Verdict::ok);  // counters, and nothing by the hour
    clone.begin_start("of the clone");
    const auto fenced = say_hello(clone);
    REQUIRE(fenced->incarnation == 2);
    carry(clone, *fenced, 100);
    clone.commit("of incarnation 2");
    more_usage = true;  // and the clone is lost before it tells the rest
    REQUIRE(say_sync(clone, 0));
    more_usage = false;

    disk.begin_start("again");
    REQUIRE(say_hello(disk)->session.empty());
    done({"agent", "allow", disk.agent});
    const auto allowed = say_hello(disk);
    REQUIRE(allowed->incarnation == 3);
    CHECK(allowed->acknowledged.sequence > fenced->acknowledged.sequence);
    CHECK(allowed->usage_acknowledged == fenced->usage_acknowledged);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "of what a fenced agent tells of an old month nothing is taken for its sum") {
    settings.keep_usage_ms = core::limits::keep_min_ms;
    REQUIRE(say_sync(disk, 0));  // and so all that is settled
    Disk copy = disk;
    use(disk, 3, 0);
    REQUIRE(say_sync(disk, 0));
    copy.begin_start("of the copy");
    const auto fenced = say_hello(copy);
    REQUIRE(fenced->incarnation == 2);
    use(copy, 12, 0);
    carry(copy, *fenced, 0);
    const std::int64_t month =
        account::first_hour_of_month(core::hour_of(clock.wall_now() + -200 * core::day_ms));
    const auto tell = [&](std::int64_t hour, std::int64_t amount, bool more) {
        SyncRequest said;
        said.session = copy.session;
        said.request_number = ++copy.requests;
        said.resources = copy.said(0);
        said.usage = {{"render", {hour}, "", core::Amount{amount}}};
        said.more_usage = more;
        said.head = copy.head;
        said.starts = copy.starts;
        return sync("lab", copy.agent, said);
    };
    REQUIRE(tell(month, 7, true));
    REQUIRE(tell(month + 1, 5, false));
    CHECK(database().number("SELECT sum(amount) FROM usage WHERE incarnation = 2") == 12);
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "a fence after 30 days goes on by itself again") {
    const auto put_back = [&] {
        Disk copy = disk;
        use(disk, 1'000, 0);
        REQUIRE(say_sync(disk, 0));
        copy.begin_start("copy at " + std::to_string(clock.wall_now().ms));
        const auto reply = say_hello(copy);
        REQUIRE(reply);
        if (!reply->session.empty()) {
            carry(copy, *reply, copy.metered);
            disk = copy;
        }
        return !reply->session.empty();
    };
    CHECK(put_back());
    CHECK_FALSE(put_back());
    clock.advance(31 * core::day_ms);
    CHECK(put_back());
    check_audit();
}

TEST_CASE_METHOD(FencingLab,
                 "counters that fall on a journal that goes on fence, for one of the two is wrong") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 2'000, 2);
    REQUIRE(say_sync(disk, 0));
    disk.commit("more");
    disk.metered = 1'000;
    disk.used_units = 1;
    CHECK(say_hello(disk)->verdict == Verdict::fenced);
    CHECK(card().charged_units == Units{2});
    check_audit();
}

TEST_CASE_METHOD(FencingLab, "remainders in custody add up to units, which take slots of the pool") {
    const auto leave = [&](std::int64_t remainder) {
        Disk one;
        one.agent = agent("lab");
        REQUIRE(say_hello(one));
        REQUIRE(say_sync(one, 1));
        Disk copy = one;
        one.metered = remainder;
        one.commit("told");
        REQUIRE(say_sync(one, 0));
        copy.begin_start("copy");
        REQUIRE(say_hello(copy)->verdict == Verdict::fenced);
    };
    leave(600);
    CHECK(card().charged_units == Units{0});
    CHECK(card().remainder == core::Amount{600});
    leave(700);
    CHECK(card().charged_units == Units{1});
    CHECK(card().remainder == core::Amount{300});
    CHECK(card().overage_units == Units{0});
    check_audit();
}
