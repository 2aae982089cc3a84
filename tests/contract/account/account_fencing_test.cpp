// Hello's judgement against a real store: who goes on, who is fenced, and what becomes of units and
// remainders; agents that are given up and heard of again.
#include "account/audit.hpp"
#include "account/catalogue.hpp"
#include "account/pool.hpp"
#include "account/team_cards.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;
using core::wire::HelloReply;
using core::wire::HelloRequest;
using core::wire::JournalHead;
using core::wire::SyncRequest;
using core::wire::Verdict;

namespace {

core::wire::TrancheCounters used(std::int64_t units) {
    core::wire::TrancheCounters said{"t1", Units{units}, Units{0}, {}};
    if (units > 0) said.hours.push_back({{472'222}, Units{units}});
    return said;
}

// One disk of the agent, as far as it says something: its chain and its counters.
struct Disk {
    std::string agent;
    std::int64_t incarnation = 1;
    JournalHead head{1, "start"};
    std::vector<JournalHead> starts{{1, "start"}};
    std::int64_t metered = 0;
    std::int64_t used_units = 0;
    std::string session;
    std::int64_t requests = 0;

    void commit(const std::string& hash) { head = {head.sequence + 1, hash}; }
    void begin_start(const std::string& hash) {
        commit(hash);
        starts.insert(starts.begin(), head);
    }
    std::vector<core::wire::ResourceCounters> said(std::int64_t need) const {
        auto made = counters("render", metered, need, 0, {});
        if (used_units > 0) made.tranches.push_back(used(used_units));
        made.overage_units = Units{metered / 1'000 - used_units};
        return {made};
    }
};

struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        free_grant("lab", "render", 10);
        disk.agent = agent("lab");
        REQUIRE(say_hello(disk)->verdict == Verdict::ok);
    }
    HelloRequest hello_of(const Disk& of) {
        HelloRequest said;
        said.agent = of.agent;
        said.incarnation = of.incarnation;
        said.head = of.head;
        said.starts = of.starts;
        said.resources = of.said(0);
        said.nonce = platform::system::random_hex(random);
        return said;
    }
    core::Result<HelloReply> say_hello(Disk& of) { return hear(of, hello_of(of)); }
    core::Result<HelloReply> hear(Disk& of, const HelloRequest& said) {
        auto reply = hello("lab", said);
        if (reply && !reply->session.empty()) {
            of.session = reply->session;
            of.requests = 0;
        }
        return reply;
    }
    core::Result<core::wire::SyncReply> say_sync(Disk& of, std::int64_t need) {
        SyncRequest said;
        said.session = of.session;
        said.request_number = ++of.requests;
        said.resources = of.said(need);
        said.head = of.head;
        said.starts = of.starts;
        return sync("lab", of.agent, said);
    }
    // What its lease covers is used, and told.
    void use(Disk& of, std::int64_t amount, std::int64_t units) {
        of.metered += amount;
        of.used_units += units;
        of.commit("link of " + std::to_string(of.metered));
    }
    // As the agent does when it hears that it is fenced: what came after the link is overage of the next one.
    void carry(Disk& of, const HelloReply& reply, std::int64_t metered_there) {
        of.incarnation = reply.incarnation;
        of.metered -= metered_there;
        of.used_units = 0;
    }
    account::Agent row() { return agent_row("lab", disk.agent); }
    core::Card card() {
        account::Pool pool(database(), "lab");
        return account::team_cards(pool, account::load_catalogue(database()), settings, clock.wall_now())
            .front();
    }
    void check_audit() {
        const auto report = account::audit(database(), "lab");
        INFO((report.ok() ? "" : report.differences.front()));
        CHECK(report.ok());
    }
    std::int64_t evidence() { return database().number("SELECT count(*) FROM evidence"); }

    Disk disk;
};

}  // namespace

TEST_CASE_METHOD(Lab, "a restarted agent goes on: its journal has the link that is known") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'500, 1);
    REQUIRE(say_sync(disk, 0));
    disk.begin_start("second");
    CHECK(say_hello(disk)->verdict == Verdict::ok);
    CHECK(row().incarnation == 1);
    CHECK(evidence() == 0);
}

TEST_CASE_METHOD(Lab, "worked example 12: yesterday's copy is fenced, its usage counts, and no unit twice") {
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

TEST_CASE_METHOD(Lab, "a fenced agent whose answer was lost is told the same again") {
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

TEST_CASE_METHOD(Lab, "a hello that arrives late neither fences its agent nor is held against it") {
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

TEST_CASE_METHOD(Lab, "a copy that has no link of its own yet is asked for one, and then fenced") {
    REQUIRE(say_sync(disk, 4));
    Disk copy = disk;
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    CHECK(say_hello(copy).error().code == core::ErrorCode::conflict);
    copy.begin_start("asked for");
    CHECK(say_hello(copy)->verdict == Verdict::fenced);
}

TEST_CASE_METHOD(Lab,
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

TEST_CASE_METHOD(Lab, "the disk that isn't allowed doesn't go on as the one that is") {
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

TEST_CASE_METHOD(Lab,
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

TEST_CASE_METHOD(Lab, "a fence after 30 days goes on by itself again") {
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

TEST_CASE_METHOD(Lab, "counters that fall on a journal that goes on fence, for one of the two is wrong") {
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

TEST_CASE_METHOD(Lab, "remainders in custody add up to units, which take slots of the pool") {
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

TEST_CASE_METHOD(Lab, "a revoked agent's units are held in doubt until an operator decides") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    done({"agent", "revoke", disk.agent});
    CHECK(card().available_units == Units{10 - 1 - 3});
    CHECK(card().leased_units == Units{0});
    CHECK(row().state == "revoked");
    check_audit();
    SECTION("counted, they are charged") {
        done({"agent", "write-off", disk.agent, "--as", "count"});
        CHECK(card().charged_units == Units{4});
        CHECK(card().available_units == Units{6});
    }
    SECTION("released, they are to be had again") {
        done({"agent", "write-off", disk.agent, "--as", "release"});
        CHECK(card().charged_units == Units{1});
        CHECK(card().available_units == Units{9});
    }
    SECTION("held, they stay") {
        done({"agent", "write-off", disk.agent, "--as", "hold"});
        CHECK(card().available_units == Units{6});
    }
    check_audit();
    CHECK(command({"agent", "write-off", disk.agent, "--as", "gone"}).exit == account::exit_usage);
    CHECK(command({"agent", "revoke", "nobody"}).exit == account::exit_failed);
}

TEST_CASE_METHOD(Lab, "what a revoked agent left of a unit, and without one, is the team's") {
    REQUIRE(say_sync(disk, 20));
    REQUIRE(database().number("SELECT count(*) FROM ticket") == 1);
    use(disk, 12'300, 10);
    REQUIRE(say_sync(disk, 2));
    done({"agent", "revoke", disk.agent});
    CHECK(database().number("SELECT count(*) FROM ticket") == 0);
    CHECK(card().remainder == core::Amount{300});
    CHECK(card().overage_units == Units{2});
    free_grant("lab", "render", 5);
    disk = Disk();
    disk.agent = agent("lab");
    REQUIRE(say_hello(disk));
    REQUIRE(say_sync(disk, 0));
    CHECK(card().charged_units == Units{12});
    CHECK(card().overage_units == Units{0});
    CHECK(card().remainder == core::Amount{300});
    check_audit();
}

TEST_CASE_METHOD(Lab, "an agent that was given up and comes back settles its units by its own word") {
    REQUIRE(say_sync(disk, 4));
    const std::string as = GENERATE("hold", "count");
    done({"agent", "write-off", disk.agent, "--as", as});
    CHECK(say_sync(disk, 0).error().code == core::ErrorCode::not_found);
    use(disk, 1'000, 1);
    CHECK(say_hello(disk)->verdict == Verdict::ok);
    CHECK(card().charged_units == Units{1});
    CHECK(card().leased_units == Units{3});
    CHECK(done({"agent", "list", "lab"}).find("written-off") == std::string::npos);
    check_audit();
}

TEST_CASE_METHOD(Lab, "an agent whose units were sold again comes back as another incarnation") {
    REQUIRE(say_sync(disk, 4));
    use(disk, 1'000, 1);
    REQUIRE(say_sync(disk, 0));
    done({"agent", "write-off", disk.agent, "--as", "release"});
    use(disk, 2'000, 2);
    const auto reply = say_hello(disk);
    CHECK(reply->verdict == Verdict::fenced);
    carry(disk, *reply, 1'000);
    REQUIRE(say_sync(disk, 2));
    disk.used_units = 2;
    disk.commit("covered");
    REQUIRE(say_sync(disk, 0));
    CHECK(card().charged_units == Units{3});
    CHECK_FALSE(row().fenced_at);  // that was no fence of its own doing
    check_audit();
}

TEST_CASE_METHOD(Lab, "lost agents are given up by themselves only where the team says when") {
    REQUIRE(say_sync(disk, 4));
    Disk other;
    other.agent = agent("lab");
    REQUIRE(say_hello(other));
    clock.advance(40 * core::day_ms);
    REQUIRE(say_sync(other, 0));
    CHECK(card().leased_units == Units{4});
    done({"team", "set", "lab", "--lost", "release", "--lost-after", "30d"});
    REQUIRE(say_sync(other, 0));
    CHECK(card().leased_units == Units{0});
    CHECK(card().available_units == Units{10});
    CHECK(done({"agent", "list", "lab"}).find("written-off") != std::string::npos);
    CHECK(command({"team", "set", "lab", "--lost-after", "1m"}).exit == account::exit_usage);
    CHECK(command({"team", "set", "lab", "--lost", "sell"}).exit == account::exit_usage);
    check_audit();
}
