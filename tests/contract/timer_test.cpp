// One promise, two kinds of timers: the loop's on the machine's clock, and the tests' on a virtual one.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "platform/system/loop_timers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"

using namespace meterbox;
using platform::system::Timer;

namespace {

struct RealTime {
    boost::asio::io_context loop{1};
    platform::system::LoopTimers timers{loop};
    // Until no timer is armed any more.
    void run() {
        loop.restart();
        loop.run();
    }
};

struct VirtualTime {
    tests::FakeClock clock;
    tests::FakeTimers timers{clock};
    void run() {
        while (const auto wait = timers.next_in_ms()) {
            clock.advance(*wait);
            timers.fire_next();
        }
    }
};

}  // namespace

TEMPLATE_TEST_CASE("a timer calls once, and not from within arm", "[timer]", RealTime, VirtualTime) {
    TestType time;
    int calls = 0;
    const auto timer = time.timers.make([&] { ++calls; });
    timer->arm(0);
    CHECK(calls == 0);
    time.run();
    time.run();
    CHECK(calls == 1);
}

TEMPLATE_TEST_CASE("timers call in the order of their due times", "[timer]", RealTime, VirtualTime) {
    TestType time;
    std::string order;
    const auto late = time.timers.make([&] { order += "c"; });
    const auto early = time.timers.make([&] { order += "a"; });
    const auto between = time.timers.make([&] { order += "b"; });
    late->arm(20);
    early->arm(-5);
    between->arm(10);
    time.run();
    CHECK(order == "abc");
}

TEMPLATE_TEST_CASE("a timer that is armed again calls for the last time alone", "[timer]", RealTime,
                   VirtualTime) {
    TestType time;
    std::string order;
    const auto moved = time.timers.make([&] { order += "moved"; });
    const auto other = time.timers.make([&] { order += "other "; });
    moved->arm(0);
    moved->arm(20);
    other->arm(10);
    time.run();
    CHECK(order == "other moved");
}

TEMPLATE_TEST_CASE("a cancelled or destroyed timer doesn't call, though it was due", "[timer]", RealTime,
                   VirtualTime) {
    TestType time;
    std::string order;
    std::unique_ptr<Timer> cancelled = time.timers.make([&] { order += "cancelled"; });
    std::unique_ptr<Timer> destroyed = time.timers.make([&] { order += "destroyed"; });
    const auto first = time.timers.make([&] {
        order += "first";
        cancelled->cancel();
        destroyed.reset();
    });
    first->arm(0);
    cancelled->arm(0);
    destroyed->arm(0);
    time.run();
    CHECK(order == "first");
    cancelled->arm(0);
    time.run();
    CHECK(order == "firstcancelled");
}

TEMPLATE_TEST_CASE("a callback can arm its own timer again", "[timer]", RealTime, VirtualTime) {
    TestType time;
    int calls = 0;
    std::unique_ptr<Timer> timer;
    timer = time.timers.make([&] {
        if (++calls < 3) timer->arm(1);
    });
    timer->arm(1);
    time.run();
    CHECK(calls == 3);
}

TEST_CASE("virtual timers due at the same time call in the order of arming, once it is time", "[timer]") {
    VirtualTime time;
    std::string order;
    std::vector<std::unique_ptr<Timer>> timers;
    for (const char* name : {"a", "b", "c"})
        timers.push_back(time.timers.make([&order, name] { order += name; }));
    timers[1]->arm(5);
    timers[2]->arm(5);
    timers[0]->arm(5);
    time.clock.suspend(1'000);
    CHECK_FALSE(time.timers.fire_next());
    time.clock.advance(5);
    while (time.timers.fire_next()) {
    }
    CHECK(order == "bca");
}
