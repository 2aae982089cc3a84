// The sync plan: hello before sync, every failure tried again, wakes neither lost nor too many.
#include "core/sync_plan.hpp"

#include <random>

#include "tests/support/catch.hpp"

using namespace meterbox::core;
using Step = SyncPlan::Step;

namespace {

constexpr std::int64_t interval = 240'000;
constexpr std::uint64_t no_jitter = 0;

// Enrolled, hello and first sync done at `now`.
SyncPlan synced_at(BootTime now) {
    SyncPlan plan{interval};
    plan.set_enrolled(true, now);
    (void)plan.next(now);
    plan.hello_succeeded(now);
    (void)plan.next(now);
    plan.sync_succeeded(now, {}, no_jitter);
    return plan;
}

}  // namespace

TEST_CASE("an agent that isn't enrolled does nothing, whoever wakes it") {
    SyncPlan plan{interval};
    plan.wake(SyncReason::asked, {5});
    CHECK(plan.next({10}).step == Step::idle);
    plan.set_enrolled(true, {20});
    CHECK(plan.next({20}).step == Step::hello);
    plan.set_enrolled(false, {30});
    CHECK(plan.next({1'000'000}).step == Step::idle);
}

TEST_CASE("hello is followed by a sync at once, and a sync by the interval") {
    SyncPlan plan{interval};
    plan.set_enrolled(true, {100});
    CHECK(plan.next({100}).step == Step::hello);
    plan.hello_succeeded({200});
    CHECK(plan.next({200}).step == Step::sync);
    plan.sync_succeeded({300}, {}, no_jitter);
    CHECK(plan.next({300}).step == Step::wait);
    CHECK(plan.next({300}).wait_ms == interval);
    CHECK(plan.next({299 + interval}).wait_ms == 1);
    CHECK(plan.next({300 + interval}).step == Step::sync);
}

TEST_CASE("jitter shortens the interval by up to a tenth and never lengthens it") {
    for (std::uint64_t random = 0; random < 100'000; random += 997) {
        SyncPlan plan = synced_at({0});
        (void)plan.next({interval});
        plan.sync_succeeded({0}, {}, random);
        CHECK(plan.due().ms <= interval);
        CHECK(plan.due().ms >= interval - interval / 10);
    }
    SyncPlan plan = synced_at({0});
    plan.sync_succeeded({0}, {}, interval / 10);
    CHECK(plan.due().ms == interval - interval / 10);
}

TEST_CASE("the account may ask for a sooner sync, never a later one, and never for a storm") {
    SyncPlan plan = synced_at({0});
    plan.sync_succeeded({0}, 10'000, no_jitter);
    CHECK(plan.due().ms == 10'000);
    plan.sync_succeeded({0}, interval + 1, no_jitter);
    CHECK(plan.due().ms == interval);
    plan.sync_succeeded({0}, 0, no_jitter);
    CHECK(plan.due().ms == limits::sync_interval_min_ms);
    plan.sync_succeeded({0}, -5, 12'345);
    CHECK(plan.due().ms > 0);
}

TEST_CASE("syncs at completions are a second apart") {
    SyncPlan plan = synced_at({0});
    plan.wake(SyncReason::completion, {400});
    CHECK(plan.next({400}).wait_ms == 600);
    CHECK(plan.next({999}).step == Step::wait);
    CHECK(plan.next({1'000}).step == Step::sync);
    plan.sync_succeeded({1'100}, {}, no_jitter);
    plan.wake(SyncReason::completion, {5'000});
    CHECK(plan.next({5'000}).step == Step::sync);
}

TEST_CASE("who asks, and what was left over, is served at once") {
    const SyncReason reason = GENERATE(SyncReason::asked, SyncReason::more);
    SyncPlan plan = synced_at({0});
    plan.wake(reason, {1});
    CHECK(plan.next({1}).step == Step::sync);
}

TEST_CASE("a failure is tried again within the backoff, again and again") {
    SyncPlan plan = synced_at({0});
    std::int64_t now = interval;
    for (int failures = 1; failures <= 50; ++failures) {
        REQUIRE(plan.next({now}).step == Step::sync);
        plan.failed({now}, limits::backoff_base_ms);
        CHECK(plan.consecutive_failures() == failures);
        CHECK(plan.due().ms <= now + limits::backoff_max_ms);
        now = plan.due().ms;
    }
    plan.sync_succeeded({now}, {}, no_jitter);
    CHECK(plan.consecutive_failures() == 0);
}

TEST_CASE("what wakes during a retry that ends well is carried by the sync after it") {
    const SyncReason reason = GENERATE(SyncReason::completion, SyncReason::more, SyncReason::asked);
    SyncPlan plan = synced_at({0});
    REQUIRE(plan.next({interval}).step == Step::sync);
    plan.failed({interval}, limits::backoff_base_ms);
    const BootTime retry = plan.due();
    REQUIRE(plan.next(retry).step == Step::sync);
    plan.wake(reason, retry);
    SECTION("after it") {
        plan.sync_succeeded(retry, {}, no_jitter);
        CHECK(plan.due() <= retry + limits::completion_sync_spacing_ms);
        const BootTime next = plan.due();
        REQUIRE(plan.next(next).step == Step::sync);
        plan.sync_succeeded(next, {}, no_jitter);
        CHECK(plan.due() == next + interval);
    }
    SECTION("or by the next retry, and then by no other") {
        plan.failed(retry, limits::backoff_base_ms);
        const BootTime again = plan.due();
        REQUIRE(plan.next(again).step == Step::sync);
        plan.sync_succeeded(again, {}, no_jitter);
        CHECK(plan.due() == again + interval);
    }
}

TEST_CASE("the backoff is never longer than the interval") {
    SyncPlan plan{2'000};
    plan.set_enrolled(true, {0});
    for (int i = 0; i < 20; ++i) plan.failed({0}, 2'000);
    CHECK(plan.due().ms == 2'000);
    for (std::uint64_t random = 0; random < 5'000; ++random) {
        plan.failed({0}, random);
        CHECK(plan.due().ms <= 2'000);
    }
}

TEST_CASE("an agent that was revoked asks again, but seldom, whatever its interval") {
    SyncPlan plan{2'000};
    plan.set_enrolled(true, {0});
    std::int64_t now = 0;
    for (int failures = 1; failures <= 50; ++failures) {
        REQUIRE(plan.next({now}).step == Step::hello);
        plan.turned_away({now}, limits::renewal_backoff_max_ms);
        CHECK(plan.due().ms >= now);
        CHECK(plan.due().ms <= now + limits::renewal_backoff_max_ms);
        now = plan.due().ms;
    }
    plan.turned_away({now}, limits::renewal_backoff_max_ms);
    CHECK(plan.due().ms == now + limits::renewal_backoff_max_ms);
    plan.wake(SyncReason::asked, {now + 1});
    CHECK(plan.next({now + 1}).step == Step::hello);
}

TEST_CASE("during backoff a completion waits for the retry, and who asks doesn't") {
    SyncPlan plan = synced_at({0});
    (void)plan.next({interval});
    plan.failed({interval}, 900);
    plan.wake(SyncReason::completion, {interval + 1});
    plan.wake(SyncReason::more, {interval + 1});
    CHECK(plan.next({interval + 899}).step == Step::wait);
    plan.wake(SyncReason::asked, {interval + 2});
    CHECK(plan.next({interval + 2}).step == Step::sync);
}

TEST_CASE("a wake during a sync asks for another one, since the first may have begun without it") {
    SyncPlan plan = synced_at({0});
    REQUIRE(plan.next({interval}).step == Step::sync);
    SECTION("at once for who asks") {
        plan.wake(SyncReason::completion, {interval + 10});
        plan.wake(SyncReason::asked, {interval + 11});
        plan.wake(SyncReason::completion, {interval + 12});
        plan.sync_succeeded({interval + 20}, {}, no_jitter);
        CHECK(plan.next({interval + 20}).step == Step::sync);
    }
    SECTION("a second later for a completion") {
        plan.wake(SyncReason::completion, {interval + 10});
        plan.sync_succeeded({interval + 20}, {}, no_jitter);
        CHECK(plan.next({interval + 20}).wait_ms == limits::completion_sync_spacing_ms);
        CHECK(plan.next({interval + 1'020}).step == Step::sync);
    }
    SECTION("as the retry when it failed") {
        plan.wake(SyncReason::asked, {interval + 10});
        plan.failed({interval + 20}, 700);
        CHECK(plan.next({interval + 20}).wait_ms == 700);
    }
    (void)plan.next({2 * interval});
    plan.sync_succeeded({2 * interval}, {}, no_jitter);
    CHECK(plan.next({2 * interval}).wait_ms == interval);  // it asked once, not for ever
}

TEST_CASE("a session that is lost is begun again at once, and then with backoff") {
    SyncPlan plan = synced_at({0});
    (void)plan.next({interval});
    plan.session_lost({interval}, 600);
    CHECK(plan.consecutive_failures() == 0);
    CHECK(plan.next({interval}).step == Step::hello);
    plan.hello_succeeded({interval});
    CHECK(plan.next({interval}).step == Step::sync);
    plan.session_lost({interval}, 600);
    CHECK(plan.consecutive_failures() == 1);
    CHECK(plan.next({interval}).wait_ms == 600);
    CHECK(plan.next({interval + 600}).step == Step::hello);
    plan.hello_succeeded({interval + 600});
    plan.sync_succeeded({interval + 600}, {}, no_jitter);
    plan.session_lost({2 * interval}, 600);
    CHECK(plan.next({2 * interval}).step == Step::hello);  // the first loss again
}

TEST_CASE("a new enrollment begins with hello and without the old one's failures") {
    SyncPlan plan = synced_at({0});
    plan.failed({10}, 500);
    plan.set_enrolled(true, {20});
    CHECK(plan.consecutive_failures() == 0);
    CHECK(plan.next({20}).step == Step::hello);
    plan.session_lost({30}, 600);
    plan.set_enrolled(true, {40});
    plan.session_lost({50}, 600);  // the first loss of this enrollment
    CHECK(plan.next({50}).step == Step::hello);
}

TEST_CASE("a shorter interval counts from the last sync, also when it is set later") {
    SyncPlan plan = synced_at({0});
    plan.set_interval(10'000);
    CHECK(plan.next({9'999}).step == Step::wait);
    CHECK(plan.next({10'000}).step == Step::sync);
    plan.sync_succeeded({10'000}, {}, no_jitter);
    plan.set_interval(interval);
    CHECK(plan.due().ms == 20'000);
}

TEST_CASE("a shorter interval doesn't cut a backoff short") {
    SyncPlan plan = synced_at({0});
    plan.failed({interval}, 800);
    plan.set_interval(1'000);
    CHECK(plan.next({interval}).wait_ms == 800);
}

TEST_CASE("whatever happens, an enrolled agent is back in an exchange within its interval") {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937_64 random{seed};
        const std::int64_t own_interval = 1'000 + static_cast<std::int64_t>(random() % 120'000);
        SyncPlan plan{own_interval};
        BootTime now{static_cast<std::int64_t>(random() % 1'000)};
        plan.set_enrolled(true, now);
        for (int i = 0; i < 300; ++i) {
            const BootTime idle_since = now;
            SyncPlan::Next next = plan.next(now);
            while (next.step == Step::wait) {
                REQUIRE(next.wait_ms > 0);
                now =
                    now + 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(next.wait_ms));
                if (random() % 4 == 0) plan.wake(static_cast<SyncReason>(random() % 3), now);
                next = plan.next(now);
            }
            REQUIRE(next.step != Step::idle);
            REQUIRE(now - idle_since <= own_interval);
            now = now + static_cast<std::int64_t>(random() % 500);  // the exchange takes its time
            if (random() % 4 == 0) plan.wake(static_cast<SyncReason>(random() % 3), now);
            const bool hello = next.step == Step::hello;
            switch (random() % 4) {
                case 0:
                    plan.failed(now, random());
                    break;
                case 1:
                    plan.session_lost(now, random());
                    break;
                default:
                    if (hello)
                        plan.hello_succeeded(now);
                    else
                        plan.sync_succeeded(now, static_cast<std::int64_t>(random() % 60'000), random());
            }
            CHECK((hello || plan.next(now).step != Step::idle));
        }
    }
}

TEST_CASE("a session that is lost during a sync that ends well is followed by hello at once") {
    SyncPlan plan = synced_at({0});
    REQUIRE(plan.next({interval}).step == Step::sync);
    plan.session_lost({interval + 5}, 600);
    plan.sync_succeeded({interval + 10}, {}, no_jitter);
    CHECK(plan.next({interval + 10}).step == Step::hello);
}
