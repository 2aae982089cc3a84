#include "agent/retention.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/limits.hpp"

namespace meterbox::agent {

using platform::sqlite::Connection;
using platform::sqlite::Cursor;
using platform::sqlite::Statement;

namespace {

constexpr std::size_t chunk_rows = 64;
constexpr std::int64_t first_after_ms = core::minute_ms;
constexpr std::int64_t spacing_ms = core::hour_ms;
constexpr std::int64_t spacing_min_ms = core::minute_ms;
constexpr std::int64_t growth_bytes_per_ms = 2'000;  // what the journal grows by under load
constexpr std::int64_t vacuum_pages = 64;            // given back at a time
// A report can name an hour, and repeat an identity, of 62 days ago. A day more, so that nobody can see
// from outside when it was forgotten.
constexpr std::int64_t kept_for_reports_ms = core::limits::event_age_ms_max + core::day_ms;

struct Cutoffs {
    core::UtcTime events;
    core::UtcTime sessions;
    std::int64_t identity_day = 0;
    core::UtcHour usage;
};

Cutoffs cutoffs(const RetentionSettings& settings, core::UtcTime now) {
    const std::int64_t usage_ms = std::max(settings.keep_usage_ms, kept_for_reports_ms);
    const std::int64_t identities_ms = std::max(settings.keep_events_ms, kept_for_reports_ms);
    return {now + -settings.keep_events_ms, now + -core::limits::event_age_ms_max,
            (now.ms - identities_ms) / core::day_ms, core::hour_of(now + -usage_ms)};
}

// Calls visit with each row until it answers false. How many rows were visited.
template <class Visit>
core::Result<std::size_t> each(Cursor row, Visit visit) {
    for (std::size_t rows = 0;; ++rows) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more || !visit(row)) return rows;
    }
}

}  // namespace

// Its statements, each once. Store side.
class Retention::Tables {
public:
    explicit Tables(Journal& journal)
        : connection(journal.connection()),
          heard(connection.statement("SELECT last_event FROM link WHERE seq <= ? ORDER BY seq DESC LIMIT 1")),
          events(connection.statement("SELECT seq, taken_at_ms FROM event ORDER BY seq LIMIT ?")),
          forget_events(connection.statement("DELETE FROM event WHERE seq <= ?")),
          sessions(
              connection.statement("SELECT id, ended_at_ms FROM session WHERE id > ? ORDER BY id LIMIT ?")),
          forget_session(connection.statement("DELETE FROM session WHERE id = ?")),
          resource_after(connection.statement("SELECT id FROM resource WHERE id > ? ORDER BY id LIMIT 1")),
          usage(connection.statement(
              "SELECT hour, subject, EXISTS (SELECT 1 FROM usage_pending p WHERE p.resource = u.resource AND "
              "p.hour = u.hour AND p.subject = u.subject) FROM usage u WHERE resource = ? AND hour < ? AND "
              "(hour, subject) > (?, ?) ORDER BY hour, subject LIMIT ?")),
          forget_usage(
              connection.statement("DELETE FROM usage WHERE resource = ? AND hour = ? AND subject = ?")),
          units(connection.statement("SELECT resource, tranche, hour FROM unit_hour WHERE changed <= ? "
                                     "ORDER BY changed LIMIT ?")),
          forget_units(
              connection.statement("DELETE FROM unit_hour WHERE resource = ? AND tranche = ? AND hour = ?")) {
    }

    Connection& connection;
    Statement heard, events, forget_events, sessions, forget_session, resource_after, usage, forget_usage,
        units, forget_units;
};

class Retention::Sweep final : public platform::store::IdleWork {
public:
    using Finished = std::function<void(const Forgotten&)>;

    // walk: go through the tables that have no order by age, too.
    Sweep(Journal& journal, Tables& tables, const Cutoffs& cutoffs, std::int64_t budget_bytes, bool walk,
          Finished finished)
        : journal_(journal),
          tables_(tables),
          cutoffs_(cutoffs),
          budget_bytes_(budget_bytes),
          walk_(walk),
          finished_(std::move(finished)) {}

    bool run(const platform::store::Slice& slice) override;
    void finish() override { finished_(forgotten_); }

private:
    enum class Stage { events, budget, vacuum, units, usage, identities, sessions, links, over };

    core::Result<void> chunk();
    core::Result<void> events();
    core::Result<void> budget();
    core::Result<void> vacuum();
    core::Result<std::int64_t> pages(bool free);
    core::Result<void> units();
    core::Result<void> usage();
    core::Result<void> identities();
    core::Result<void> sessions();
    core::Result<void> links();
    core::Result<void> note_oldest();
    // Inside a transaction, which begins with the first row that goes.
    template <class... Values>
    core::Result<void> forget(Statement& statement, std::int64_t& count, const Values&... values);
    core::Result<void> begin();

    Journal& journal_;
    Tables& tables_;
    Cutoffs cutoffs_;
    std::int64_t budget_bytes_;
    bool walk_;
    Finished finished_;
    Forgotten forgotten_;
    Stage stage_ = Stage::events;
    bool begun_ = false;
    // How far it has come.
    ResourceId resource_ = 0;
    std::optional<UsageKey> usage_;
    std::optional<core::IdentityHash> identity_;
    std::string session_;
};

bool Retention::Sweep::run(const platform::store::Slice& slice) {
    const Forgotten before = forgotten_;
    core::Result<void> worked;
    while (worked && stage_ != Stage::over && !slice.over()) worked = chunk();
    if (worked && begun_) worked = journal_.commit();
    if (!worked) {  // a full disk, say: another hour will do
        if (begun_) journal_.rollback();
        forgotten_ = before;
        stage_ = Stage::over;
    }
    begun_ = false;
    return stage_ != Stage::over;
}

core::Result<void> Retention::Sweep::chunk() {
    switch (stage_) {
        case Stage::events:
            return events();
        case Stage::budget:
            return budget();
        case Stage::vacuum:
            return vacuum();
        case Stage::units:
            return units();
        case Stage::usage:
            return usage();
        case Stage::identities:
            return identities();
        case Stage::sessions:
            return sessions();
        case Stage::links:
            return links();
        case Stage::over:
            break;
    }
    return {};
}

core::Result<void> Retention::Sweep::begin() {
    if (begun_) return {};
    const auto begun = journal_.begin();
    begun_ = begun.has_value();
    return begun;
}

template <class... Values>
core::Result<void> Retention::Sweep::forget(Statement& statement, std::int64_t& count,
                                            const Values&... values) {
    if (const auto begun = begin(); !begun) return begun;
    const auto gone = statement.run(values...);
    if (gone) count += tables_.connection.changes();
    return gone;
}

// They are in the order of their arrival: the first one that is young enough ends it.
core::Result<void> Retention::Sweep::events() {
    std::int64_t last = 0;
    const auto old = each(tables_.events.query(chunk_rows), [&](const Cursor& row) {
        if (core::UtcTime{row.integer(1)} >= cutoffs_.events) return false;
        last = row.integer(0);
        return true;
    });
    if (!old) return old.error();
    if (*old > 0) {
        if (const auto gone = forget(tables_.forget_events, forgotten_.events, last); !gone) return gone;
        journal_.forgot_events(last);
    }
    if (*old < chunk_rows) stage_ = Stage::budget;
    return {};
}

// In use, or only kept for what comes: in bytes.
core::Result<std::int64_t> Retention::Sweep::pages(bool free) {
    const auto size = tables_.connection.number("PRAGMA page_size");
    const auto unused = tables_.connection.number("PRAGMA freelist_count");
    const auto all = tables_.connection.number("PRAGMA page_count");
    for (const auto* read : {&size, &unused, &all})
        if (!*read) return read->error();
    return *size * (free ? *unused : *all - *unused);
}

// An eighth of it is left free, so that the files stay within the budget until the next sweep.
core::Result<void> Retention::Sweep::budget() {
    const auto used = pages(false);
    if (!used) return used.error();
    forgotten_.room_bytes = budget_bytes_ - budget_bytes_ / 8 - *used;
    std::int64_t last = 0;
    if (forgotten_.room_bytes < 0) {
        std::int64_t heard = 0;
        const auto link = each(tables_.heard.query(journal_.settled()), [&](const Cursor& row) {
            heard = row.integer(0);
            return true;
        });
        if (!link) return link.error();
        const auto old = each(tables_.events.query(chunk_rows), [&](const Cursor& row) {
            if (row.integer(0) > heard) return false;
            last = row.integer(0);
            return true;
        });
        if (!old) return old.error();
    }
    if (last == 0) {
        stage_ = Stage::vacuum;
        return forgotten_.events > 0 ? note_oldest() : core::Result<void>{};
    }
    if (const auto gone = forget(tables_.forget_events, forgotten_.events, last); !gone) return gone;
    journal_.forgot_events(last);
    return {};
}

// Room that is free is used again; the file shrinks only where the budget was lowered.
core::Result<void> Retention::Sweep::vacuum() {
    const auto used = pages(false);
    if (!used) return used.error();
    const auto free = pages(true);
    if (!free) return free.error();
    if (*free == 0 || *used + *free <= budget_bytes_) {
        stage_ = Stage::units;
        return {};
    }
    if (const auto begun = begin(); !begun) return begun;
    return tables_.connection.execute("PRAGMA incremental_vacuum(" + std::to_string(vacuum_pages) + ")");
}

core::Result<void> Retention::Sweep::note_oldest() {
    const auto left = journal_.tables().rows();
    if (!left) return left.error();
    forgotten_.oldest_event = left->oldest_event;
    return {};
}

core::Result<void> Retention::Sweep::units() {
    std::vector<UsageKey> old;  // the subject is the tranche
    const auto visited = each(tables_.units.query(journal_.settled(), chunk_rows), [&](const Cursor& row) {
        const core::UtcHour hour{row.integer(2)};
        if (hour >= cutoffs_.usage) return false;
        old.push_back({row.integer(0), hour, row.string(1)});
        return true;
    });
    if (!visited) return visited.error();
    for (const UsageKey& key : old) {
        const auto gone =
            forget(tables_.forget_units, forgotten_.usage_rows, key.resource, key.subject, key.hour);
        if (!gone) return gone;
    }
    if (*visited < chunk_rows) stage_ = Stage::usage;
    return {};
}

core::Result<void> Retention::Sweep::usage() {
    if (!usage_) {
        const auto found = each(tables_.resource_after.query(resource_), [&](const Cursor& row) {
            resource_ = row.integer(0);
            return true;
        });
        if (!found) return found.error();
        if (*found == 0) {
            stage_ = walk_ ? Stage::identities : Stage::links;
            return {};
        }
        usage_ = UsageKey{resource_, core::UtcHour{std::numeric_limits<std::int64_t>::min()}, ""};
    }
    std::vector<UsageKey> old;
    UsageKey last = *usage_;
    const auto visited =
        each(tables_.usage.query(resource_, cutoffs_.usage, usage_->hour, usage_->subject, chunk_rows),
             [&](const Cursor& row) {
                 last = {resource_, core::UtcHour{row.integer(0)}, row.string(1)};
                 if (row.integer(2) == 0) old.push_back(last);  // else the account hasn't acknowledged it
                 return true;
             });
    if (!visited) return visited.error();
    usage_ = std::move(last);
    for (const UsageKey& key : old) {
        const auto gone =
            forget(tables_.forget_usage, forgotten_.usage_rows, key.resource, key.hour, key.subject);
        if (!gone) return gone;
    }
    if (*visited < chunk_rows) usage_.reset();  // the next resource
    return {};
}

core::Result<void> Retention::Sweep::identities() {
    const auto old = journal_.identities().older_than(cutoffs_.identity_day, identity_, chunk_rows);
    if (!old) return old.error();
    for (const core::IdentityHash& identity : *old) {
        if (const auto begun = begin(); !begun) return begun;
        if (const auto gone = journal_.identities().forget(identity); !gone) return gone;
        ++forgotten_.identities;
    }
    if (!identity_) stage_ = Stage::sessions;
    return {};
}

core::Result<void> Retention::Sweep::sessions() {
    std::vector<std::string> old;
    std::string last = session_;
    const auto visited = each(tables_.sessions.query(session_, chunk_rows), [&](const Cursor& row) {
        last = row.string(0);
        const auto ended = row.optional_integer(1);
        if (ended && core::UtcTime{*ended} < cutoffs_.sessions) old.push_back(last);
        return true;
    });
    if (!visited) return visited.error();
    session_ = std::move(last);
    for (const std::string& id : old)
        if (const auto gone = forget(tables_.forget_session, forgotten_.sessions, id); !gone) return gone;
    if (*visited < chunk_rows) stage_ = Stage::links;
    return {};
}

// What the account has acknowledged it can bear witness to; the newest of it stay to be checked here.
core::Result<void> Retention::Sweep::links() {
    const std::int64_t newest = journal_.chain().head().sequence;
    const std::int64_t last = std::min(journal_.settled(), newest - core::limits::chain_links_kept);
    const auto oldest = journal_.chain().oldest();
    if (!oldest) return oldest.error();
    if (*oldest == 0 || *oldest > last) {
        stage_ = Stage::over;
        return {};
    }
    if (const auto begun = begin(); !begun) return begun;
    const auto gone = journal_.chain().forget(last, chunk_rows);
    return gone ? core::Result<void>{} : gone.error();
}

Retention::Retention(platform::system::Timers& timers, AgentTime& time, Journal& journal,
                     platform::store::StoreThread& store, RetentionSettings settings, Done done)
    : timer_(timers.make([this] { sweep(); })),
      time_(time),
      journal_(journal),
      store_(store),
      settings_(settings),
      done_(std::move(done)),
      tables_(std::make_unique<Tables>(journal)) {}
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
        arm(std::clamp(forgotten.room_bytes / growth_bytes_per_ms, spacing_min_ms, spacing_ms));
        done_(forgotten);
    };
    const std::int64_t budget = settings_.budget_bytes - core::limits::write_ahead_log_bytes_max;
    store_.run_idle(
        std::make_unique<Sweep>(journal_, *tables_, cutoffs(settings_, now), budget, walk, finished));
}

}  // namespace meterbox::agent
