// client/session_watch: what the daemon says of a session, and what the command line makes of it. The first
// line is the event's name, the rest its document. Whatever is said, the time of the end can be reckoned
// with, and a session that is said to be over stops.
#include "client/session_watch.hpp"

#include "core/limits.hpp"
#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meterbox;
    using client::SessionWatch;
    const std::string_view text = fuzz::text_of(data, size);
    const std::string_view name = text.substr(0, text.find('\n'));
    const auto news = client::session_news_from(text.substr(std::min(size, name.size() + 1)), name);
    if (!news) return 0;
    const std::int64_t left = news->exhausts_in_ms.value_or(0);
    METERBOX_ASSERT(left >= 0 && left <= core::limits::amount_max);

    const core::MonotonicTime now{core::limits::amount_max};
    SessionWatch watch;
    watch.heard(*news, now);
    const bool is_over =
        news->state == client::SessionState::stop || news->state == client::SessionState::ended;
    METERBOX_ASSERT((watch.due(now) == SessionWatch::Action::stop) == is_over);
    if (const auto wakes_at = watch.wakes_at()) METERBOX_ASSERT(!is_over && *wakes_at >= now);
    watch.lost(now);
    METERBOX_ASSERT(watch.due(now) != SessionWatch::Action::none);
    if (news->exhausts_in_ms) METERBOX_ASSERT(watch.due(now + left) == SessionWatch::Action::stop);
    return 0;
}
