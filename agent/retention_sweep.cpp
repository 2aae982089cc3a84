#include "agent/retention_sweep.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/limits.hpp"
#include "core/mutant.hpp"

namespace meterbox::agent {

using platform::sqlite::Cursor;
using platform::sqlite::Statement;

namespace {

constexpr std::size_t chunk_rows = 64;
constexpr std::int64_t vacuum_pages = 64;  // given back at a time

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

bool RetentionSweep::run(const platform::store::Slice& slice) {
    const Forgotten before = forgotten_;
    core::Result<void> worked;
    while (worked && stage_ != Stage::over && !slice.over()) worked = chunk();
    if (worked && begun_) worked = journal_.commit();
    if (!worked) {  // a full disk, say: another hour will do
        if (begun_) journal_.rollback();
        forgotten_ = before;
        forgotten_.failure = worked.error();
        stage_ = Stage::over;
    }
    begun_ = false;
    return stage_ != Stage::over;
}

core::Result<void> RetentionSweep::chunk() {
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

core::Result<void> RetentionSweep::begin() {
    if (begun_) return {};
    const auto begun = journal_.begin();
    begun_ = begun.has_value();
    return begun;
}

template <class... Values>
core::Result<void> RetentionSweep::forget(Statement& statement, std::int64_t& count,
                                          const Values&... values) {
    if (const auto begun = begin(); !begun) return begun;
    const auto gone = statement.run(values...);
    if (gone) count += tables_.connection.changes();
    return gone;
}

core::Result<void> RetentionSweep::forget_events(std::int64_t last) {
    auto gone = forget(tables_.forget_events, forgotten_.events, last);
    if (gone) journal_.forgot_events(last);
    return gone;
}

// They are in the order of their arrival: the first one that is young enough ends it.
core::Result<void> RetentionSweep::events() {
    std::int64_t last = 0;
    const auto old = each(tables_.events.query(chunk_rows), [&](const Cursor& row) {
        if (core::UtcTime{row.integer(1)} >= cutoffs_.events) return false;
        last = row.integer(0);
        return true;
    });
    if (!old) return old.error();
    if (*old < chunk_rows) stage_ = Stage::budget;
    return *old > 0 ? forget_events(last) : core::Result<void>{};
}

core::Result<RetentionSweep::Room> RetentionSweep::room() {
    std::int64_t size = 0;
    std::int64_t all = 0;
    Room room;
    const auto read = [](Statement& number, std::int64_t& to) {
        return each(number.query(), [&](const Cursor& row) {
            to = row.integer(0);
            return true;
        });
    };
    if (const auto found = read(tables_.page_size, size); !found) return found.error();
    if (const auto found = read(tables_.pages, all); !found) return found.error();
    if (const auto found = read(tables_.free_pages, room.free); !found) return found.error();
    room.free *= size;
    room.used = all * size - room.free;
    return room;
}

// An eighth of it is left free, so that the files stay within the budget until the next sweep.
core::Result<void> RetentionSweep::budget() {
    const auto taken = room();
    if (!taken) return taken.error();
    forgotten_.room_bytes = budget_bytes_ - budget_bytes_ / 8 - taken->used;
    std::int64_t last = 0;
    if (forgotten_.room_bytes < 0) {
        std::int64_t heard = 0;
        const auto link = each(tables_.heard.query(journal_.settled()), [&](const Cursor& row) {
            heard = row.integer(0);
            return true;
        });
        if (!link) return link.error();
        const auto old = each(tables_.events.query(chunk_rows), [&](const Cursor& row) {
            if (row.integer(0) > heard && !METERBOX_MUTANT(unheard_dropped)) return false;
            last = row.integer(0);
            return true;
        });
        if (!old) return old.error();
    }
    if (last == 0) {
        stage_ = Stage::vacuum;
        return forgotten_.events > 0 ? note_oldest() : core::Result<void>{};
    }
    return forget_events(last);
}

// Room that is free is used again; the file shrinks only where the budget was lowered.
core::Result<void> RetentionSweep::vacuum() {
    const auto taken = room();
    if (!taken) return taken.error();
    if (taken->free == 0 || taken->used + taken->free <= budget_bytes_) {
        stage_ = Stage::units;
        return {};
    }
    if (const auto begun = begin(); !begun) return begun;
    return tables_.connection.execute("PRAGMA incremental_vacuum(" + std::to_string(vacuum_pages) + ")");
}

core::Result<void> RetentionSweep::note_oldest() {
    const auto left = journal_.tables().rows();
    if (!left) return left.error();
    forgotten_.oldest_event = left->oldest_event;
    return {};
}

core::Result<void> RetentionSweep::units() {
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

core::Result<void> RetentionSweep::usage() {
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

core::Result<void> RetentionSweep::identities() {
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

core::Result<void> RetentionSweep::sessions() {
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
core::Result<void> RetentionSweep::links() {
    const std::int64_t newest = journal_.chain().head().sequence;
    const std::int64_t last = std::min(journal_.settled(), newest - links_kept_);
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

}  // namespace meterbox::agent
