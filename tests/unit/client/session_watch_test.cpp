// What is done about a metered command when the daemon speaks, is silent, or is gone.
#include "client/session_watch.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

namespace meterbox::client {
namespace {

using Action = SessionWatch::Action;
constexpr std::int64_t patience = core::limits::client_retry_answer_ms;

core::MonotonicTime at(std::int64_t ms) {
    return {ms};
}

SessionWatch running(std::optional<std::int64_t> exhausts_in_ms) {
    SessionWatch watch;
    watch.heard({SessionState::active, exhausts_in_ms}, at(0));
    return watch;
}

}  // namespace

TEST_CASE("a session with no end in sight waits for news alone") {
    SessionWatch watch = running({});
    CHECK(watch.due(at(1'000'000'000)) == Action::none);
    CHECK_FALSE(watch.wakes_at().has_value());
}

TEST_CASE("a command is stopped when the daemon says so") {
    SessionWatch watch = running(10'000);
    watch.heard({SessionState::low, 5'000}, at(5'000));
    CHECK(watch.due(at(5'000)) == Action::none);
    watch.heard({SessionState::stop, 0}, at(9'000));
    CHECK(watch.due(at(9'000)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::used_up);
}

TEST_CASE("stop is final, whatever comes after it") {
    SessionWatch watch = running(10'000);
    watch.heard({SessionState::stop, 0}, at(9'000));
    watch.heard({SessionState::active, 60'000}, at(9'100));
    watch.heard({SessionState::ended, {}}, at(9'200));
    CHECK(watch.due(at(9'300)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::used_up);
}

TEST_CASE("a session that somebody ended stops its command") {
    SessionWatch watch = running(10'000);
    watch.heard({SessionState::ended, {}}, at(100));
    CHECK(watch.due(at(100)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::ended);
}

TEST_CASE("a daemon that is gone is looked for again, ever less often") {
    SessionWatch watch = running({});
    watch.lost(at(100));
    CHECK(watch.due(at(100)) == Action::reconnect);
    std::int64_t now = 100;
    std::int64_t last_wait = 0;
    for (int attempt = 0; attempt < 10; ++attempt) {
        watch.failed(at(now));
        CHECK(watch.due(at(now)) == Action::none);
        const std::int64_t wait = *watch.wakes_at() - at(now);
        CHECK(wait >= last_wait);
        CHECK(wait <= core::limits::client_retry_max_ms);
        last_wait = wait;
        now += wait;
        CHECK(watch.due(at(now)) == Action::reconnect);
    }
    watch.reconnected();
    CHECK(watch.due(at(now)) == Action::none);
}

TEST_CASE("without the daemon a command runs until what was left is used up, and not longer") {
    SessionWatch watch = running(10'000);
    watch.heard({SessionState::active, 8'000}, at(4'000));  // until 12 000
    watch.lost(at(5'000));
    watch.failed(at(11'950));
    CHECK(watch.wakes_at() == at(12'000));
    CHECK(watch.due(at(11'999)) == Action::none);
    CHECK(watch.due(at(12'000)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::alone);
}

TEST_CASE("without the daemon and with no end in sight a command runs on") {
    SessionWatch watch = running(10'000);
    watch.heard({SessionState::active, {}}, at(1'000));
    watch.lost(at(2'000));
    CHECK(watch.due(at(1'000'000'000)) == Action::reconnect);
    CHECK_FALSE(watch.stop_reason().has_value());
}

TEST_CASE("a session taken up again goes by the new daemon's word") {
    SessionWatch watch = running(10'000);
    watch.lost(at(9'000));
    watch.reconnected();
    watch.heard({SessionState::active, 60'000}, at(9'500));
    watch.lost(at(20'000));
    watch.failed(at(20'000));
    CHECK(watch.due(at(20'001)) == Action::none);
    CHECK(watch.due(at(69'500)) == Action::stop);
}

TEST_CASE("a session that is refused when taken up again is used up") {
    SessionWatch watch = running(10'000);
    watch.lost(at(100));
    watch.refused();
    CHECK(watch.due(at(100)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::used_up);
}

TEST_CASE("a daemon that is silent past the end is asked, and its answer holds") {
    SessionWatch watch = running(10'000);
    CHECK(watch.wakes_at() == at(10'000 + patience));
    CHECK(watch.due(at(10'000 + patience - 1)) == Action::none);
    CHECK(watch.due(at(10'000 + patience)) == Action::ask);
    watch.heard({SessionState::active, 30'000}, at(11'000));  // the lease has grown since
    CHECK(watch.due(at(11'000)) == Action::none);
    CHECK(watch.wakes_at() == at(41'000 + patience));
}

TEST_CASE("a daemon that hangs past the end doesn't keep a command running") {
    SessionWatch watch = running(10'000);
    REQUIRE(watch.due(at(10'000 + patience)) == Action::ask);
    watch.failed(at(12'000));
    CHECK_FALSE(watch.connected());
    CHECK(watch.due(at(12'000)) == Action::stop);
    CHECK(watch.stop_reason() == StopReason::alone);
}

TEST_CASE("an end beyond all time, or before now, is one that can be reckoned with") {
    const auto news = [](const std::string& ms) {
        return session_news_from("{\"state\":\"active\",\"exhausts_in_ms\":" + ms + "}", "active").value();
    };
    CHECK(news("9223372036854775807").exhausts_in_ms == core::limits::amount_max);
    CHECK(news("-9223372036854775808").exhausts_in_ms == 0);
    SessionWatch watch;
    watch.heard(news("9223372036854775807"), at(1'000));
    CHECK(watch.due(at(2'000)) == Action::none);
    CHECK(watch.wakes_at() == at(1'000 + core::limits::amount_max + patience));
}

TEST_CASE("news is what the document says, and what it leaves out the event's name says") {
    CHECK(session_news_from(R"({"state":"low","exhausts_in_ms":5})", "active")->state == SessionState::low);
    CHECK(session_news_from("{}", "stop")->state == SessionState::stop);
    CHECK_FALSE(session_news_from(R"({"exhausts_in_ms":null})", "ended")->exhausts_in_ms);
    CHECK_FALSE(session_news_from("no JSON", "stop"));
}

}  // namespace meterbox::client
