#include "agent/retention.hpp"

#include <algorithm>
#include <utility>

#include "agent/retention_sweep.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {

constexpr std::int64_t first_after_ms = core::minute_ms;
constexpr std::int64_t spacing_ms = core::hour_ms;
constexpr std::int64_t spacing_min_ms = core::minute_ms;
constexpr std::int64_t growth_bytes_per_ms = 2'000;  // what the journal grows by under load
// A report can name an hour, and repeat an identity, of 62 days ago. A day more, so that nobody can see
// from outside when it was forgotten.
constexpr std::int64_t kept_for_reports_ms = core::limits::event_age_ms_max + core::day_ms;

RetentionCutoffs cutoffs(const RetentionSettings& settings, core::UtcTime now) {
    const std::int64_t usage_ms = std::max(settings.keep_usage_ms, kept_for_reports_ms);
    const std::int64_t identities_ms = std::max(settings.keep_events_ms, kept_for_reports_ms);
    return {now + -settings.keep_events_ms, now + -core::limits::event_age_ms_max,
            (now.ms - identities_ms) / core::day_ms, core::hour_of(now + -usage_ms)};
}

}  // namespace

Retention::Retention(platform::system::Timers& timers, AgentTime& time, Journal& journal,
                     platform::store::StoreThread& store, RetentionSettings settings, Done done)
    : timer_(timers.make([this] { sweep(); })),
      time_(time),
      journal_(journal),
      store_(store),
      settings_(settings),
      done_(std::move(done)),
      tables_(std::make_unique<RetentionTables>(journal)) {}
Retention::~Retention() = default;

void Retention::start() {
    started_ = true;
    arm(first_after_ms);
}

void Retention::stop() {
    started_ = false;
    timer_->cancel();
}

void Retention::arm(std::int64_t wait_ms) {
    if (!started_) return;
    timer_->arm(wait_ms);
}

void Retention::sweep() {
    if (sweeping_) return;
    sweeping_ = true;
    const core::UtcTime now = time_.range().earliest;
    const std::int64_t today = now.ms / core::day_ms;
    const bool walk = walked_day_ != today;
    walked_day_ = today;
    const auto finished = [this](const Forgotten& forgotten) {
        sweeping_ = false;
        const std::int64_t room_ms = forgotten.room_bytes / growth_bytes_per_ms;
        arm(forgotten.failure ? spacing_ms : std::clamp(room_ms, spacing_min_ms, spacing_ms));
        done_(forgotten);
    };
    const std::int64_t budget = settings_.budget_bytes - core::limits::write_ahead_log_bytes_max;
    store_.run_idle(std::make_unique<RetentionSweep>(journal_, *tables_, cutoffs(settings_, now), budget,
                                                     settings_.links_kept, walk, finished));
}

}  // namespace meterbox::agent
