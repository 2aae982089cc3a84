#include "agent/journal_tables.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/assert.hpp"

namespace meterbox::agent {

using platform::sqlite::Cursor;

namespace {

core::UtcTime utc(std::int64_t ms) {
    return core::UtcTime{ms};
}

std::optional<core::UtcTime> optional_utc(const Cursor& row, int column) {
    const auto ms = row.optional_integer(column);
    return ms ? std::optional(utc(*ms)) : std::nullopt;
}

constexpr std::string_view session_columns =
    "id, resource, subject, keeping, uid, started_at_ms, metered, completed_at_start, boot_id, mark_ms, "
    "stop_at_ms, ended_at_ms, units_completed, remainder, quantity";

SessionRecord session_of(const Cursor& row) {
    SessionRecord session;
    session.id = row.string(0);
    session.resource = row.string(1);
    session.subject = row.string(2);
    session.keeping = row.integer(3) == 0 ? SessionKeeping::connection : SessionKeeping::heartbeat;
    session.uid = static_cast<std::uint32_t>(row.integer(4));
    session.started_at = utc(row.integer(5));
    session.metered = core::Amount{row.integer(6)};
    session.completed_at_start = core::Units{row.integer(7)};
    session.boot_id = row.string(8);
    session.mark = core::MonotonicTime{row.integer(9)};
    if (const auto stop_at = row.optional_integer(10)) session.stop_at = core::MonotonicTime{*stop_at};
    session.ended_at = optional_utc(row, 11);
    session.units_completed = core::Units{row.integer(12)};
    session.remainder = core::Amount{row.integer(13)};
    session.quantity = core::Units{row.integer(14)};
    return session;
}

core::Resource resource_of(const Cursor& row) {
    core::Resource resource;
    resource.key = row.string(1);
    resource.name = row.string(2);
    const auto kind = core::kind_from(row.text(3));
    const auto measure = core::measure_from(row.text(4));
    const auto enforcement = core::enforcement_from(row.text(6));
    METERBOX_ASSERT(kind && measure && enforcement);
    resource.kind = *kind;
    resource.measure = *measure;
    resource.unit_size = core::Amount{row.integer(5)};
    resource.enforcement = *enforcement;
    return resource;
}

core::Tranche tranche_of(const Cursor& row) {
    core::Tranche tranche;
    tranche.id = row.string(0);
    const auto tier = core::tier_from(row.text(1));
    METERBOX_ASSERT(tier.has_value());
    tranche.tier = *tier;
    tranche.granted = core::Units{row.integer(2)};
    tranche.used = core::Units{row.integer(3)};
    tranche.returned = core::Units{row.integer(4)};
    tranche.valid_from = utc(row.integer(5));
    tranche.ends_at = optional_utc(row, 6);
    tranche.final = row.integer(7) != 0;
    tranche.payg_capped = row.integer(8) != 0;
    tranche.payg_open = row.integer(9) != 0;
    return tranche;
}

}  // namespace

JournalTables::JournalTables(platform::sqlite::Connection& connection)
    : connection_(connection),
      set_meta_(connection.statement("INSERT INTO meta(key, value) VALUES(?, ?) "
                                     "ON CONFLICT(key) DO UPDATE SET value = excluded.value")),
      add_resource_(connection.statement("INSERT INTO resource(key, name, kind, measure, unit_size, "
                                         "enforcement) VALUES(?, ?, ?, ?, ?, ?)")),
      describe_resource_(connection.statement("UPDATE resource SET name = ?, enforcement = ? WHERE id = ?")),
      save_metered_(connection.statement(
          "UPDATE resource SET metered = ?, former = ?, high_water_ms = ? WHERE id = ?")),
      save_tranche_(connection.statement(
          "INSERT INTO tranche(resource, id, draw_order, tier, granted, used, returned, valid_from_ms, "
          "ends_at_ms, final, payg_capped, payg_open) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT(resource, id) DO UPDATE SET draw_order = excluded.draw_order, "
          "granted = excluded.granted, used = excluded.used, returned = excluded.returned, "
          "valid_from_ms = excluded.valid_from_ms, ends_at_ms = excluded.ends_at_ms, "
          "final = excluded.final, payg_capped = excluded.payg_capped, payg_open = excluded.payg_open")),
      add_event_(
          connection.statement("INSERT INTO event(seq, resource, source, id, subject, time_ms, amount, "
                               "taken_at_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)")),
      usage_(
          connection.statement("SELECT amount FROM usage WHERE resource = ? AND hour = ? AND subject = ?")),
      subjects_(connection.statement(
          "SELECT count(*) FROM usage WHERE resource = ? AND hour = ? AND subject NOT IN ('', 'other')")),
      save_usage_(connection.statement(
          "INSERT INTO usage(resource, hour, subject, amount, changed, incarnation) VALUES(?, ?, ?, ?, ?, ?) "
          "ON CONFLICT(resource, hour, subject) DO UPDATE SET "
          "former = CASE WHEN incarnation < excluded.incarnation THEN amount ELSE former END, "
          "amount = excluded.amount, changed = excluded.changed, incarnation = excluded.incarnation")),
      mark_pending_(connection.statement(
          "INSERT OR IGNORE INTO usage_pending(resource, hour, subject) VALUES(?, ?, ?)")),
      settle_usage_(connection.statement(
          "DELETE FROM usage_pending WHERE resource = ?1 AND hour = ?2 AND subject = ?3 AND NOT EXISTS "
          "(SELECT 1 FROM usage WHERE resource = ?1 AND hour = ?2 AND subject = ?3 AND changed > ?4)")),
      pending_usage_(connection.statement(
          "SELECT p.resource, p.hour, p.subject, u.amount - u.former FROM usage_pending p "
          "JOIN usage u USING (resource, hour, subject) ORDER BY p.resource, p.hour, p.subject LIMIT ?")),
      usage_since_(connection.statement(
          "SELECT coalesce(sum(amount), 0) FROM usage WHERE resource = ? AND hour >= ?")),
      usage_of_hour_(
          connection.statement("SELECT coalesce(sum(amount), 0) FROM usage WHERE resource = ? AND hour = ?")),
      add_units_(connection.statement(
          "INSERT INTO unit_hour(resource, tranche, hour, units, changed, incarnation) "
          "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(resource, tranche, hour) DO UPDATE SET "
          "former = CASE WHEN incarnation < excluded.incarnation THEN units ELSE former END, "
          "units = units + excluded.units, changed = excluded.changed, incarnation = excluded.incarnation")),
      units_changed_(
          connection.statement("SELECT resource, tranche, hour, units - former, changed FROM unit_hour "
                               "WHERE changed > ? AND incarnation = ? ORDER BY changed")),
      carry_usage_(connection.statement(
          "UPDATE usage SET former = max(amount - ?4, 0), changed = ?5, incarnation = ?6 WHERE resource = ?1 "
          "AND hour = ?2 AND subject = ?3")),
      forget_units_(connection.statement(
          "DELETE FROM unit_hour WHERE resource = ? AND tranche = ? AND hour = ? AND units <= ?")),
      take_back_units_(connection.statement(
          "UPDATE unit_hour SET units = units - ?4, former = min(former, units - ?4) WHERE resource = ?1 AND "
          "tranche = ?2 AND hour = ?3")),
      save_session_(connection.statement("INSERT OR REPLACE INTO session(" + std::string(session_columns) +
                                         ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      session_(
          connection.statement("SELECT " + std::string(session_columns) + " FROM session WHERE id = ?")) {}

core::Result<std::map<std::string, std::string>> JournalTables::meta() {
    auto statement = connection_.prepare("SELECT key, value FROM meta");
    if (!statement) return statement.error();
    std::map<std::string, std::string> values;
    Cursor row = statement->query();
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return values;
        values.emplace(row.string(0), row.string(1));
    }
}

core::Result<void> JournalTables::set_meta(std::string_view key, std::string_view value) {
    return set_meta_.run(key, value);
}

core::Result<std::vector<StoredResource>> JournalTables::resources() {
    auto statement = connection_.prepare(
        "SELECT id, key, name, kind, measure, unit_size, enforcement, metered, high_water_ms, former FROM "
        "resource ORDER BY key");
    if (!statement) return statement.error();
    auto tranches_of = connection_.prepare(
        "SELECT id, tier, granted, used, returned, valid_from_ms, ends_at_ms, final, payg_capped, payg_open "
        "FROM tranche WHERE resource = ? ORDER BY draw_order, id");
    if (!tranches_of) return tranches_of.error();
    std::vector<StoredResource> resources;
    Cursor row = statement->query();
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return resources;
        std::vector<core::Tranche> tranches;
        Cursor tranche = tranches_of->query(row.integer(0));
        for (;;) {
            const auto another = tranche.next();
            if (!another) return another.error();
            if (!*another) break;
            tranches.push_back(tranche_of(tranche));
        }
        core::ResourceLedger ledger(resource_of(row), core::Amount{row.integer(7)}, std::move(tranches));
        resources.push_back(
            {row.integer(0), std::move(ledger), optional_utc(row, 8), core::Amount{row.integer(9)}});
    }
}

core::Result<ResourceId> JournalTables::add_resource(const core::Resource& resource) {
    const auto added = add_resource_.run(resource.key, resource.name, core::name_of(resource.kind),
                                         core::name_of(resource.measure), resource.unit_size,
                                         core::name_of(resource.enforcement));
    if (!added) return added.error();
    return connection_.last_insert_id();
}

core::Result<void> JournalTables::describe_resource(ResourceId id, const core::Resource& resource) {
    return describe_resource_.run(resource.name, core::name_of(resource.enforcement), id);
}

core::Result<void> JournalTables::save_metered(ResourceId id, core::Amount metered, core::Amount former,
                                               std::optional<core::UtcTime> high_water) {
    return save_metered_.run(metered, former, high_water, id);
}

core::Result<void> JournalTables::save_tranche(ResourceId id, std::int64_t draw_order,
                                               const core::Tranche& tranche) {
    return save_tranche_.run(id, tranche.id, draw_order, core::name_of(tranche.tier), tranche.granted,
                             tranche.used, tranche.returned, tranche.valid_from, tranche.ends_at,
                             tranche.final ? 1 : 0, tranche.payg_capped ? 1 : 0, tranche.payg_open ? 1 : 0);
}

core::Result<void> JournalTables::add_event(std::int64_t number, ResourceId id, const core::UsageEvent& event,
                                            core::UtcTime time, core::UtcTime taken_at) {
    return add_event_.run(number, id, event.source, event.id, event.subject, time, event.amount, taken_at);
}

core::Result<std::optional<core::Amount>> JournalTables::usage(const UsageKey& key) {
    Cursor row = usage_.query(key.resource, key.hour, key.subject);
    const auto found = row.next();
    if (!found) return found.error();
    return *found ? std::optional(core::Amount{row.integer(0)}) : std::nullopt;
}

core::Result<std::int64_t> JournalTables::subjects(ResourceId id, core::UtcHour hour) {
    Cursor row = subjects_.query(id, hour);
    const auto found = row.next();
    if (!found) return found.error();
    return row.integer(0);
}

core::Result<void> JournalTables::save_usage(const UsageKey& key, core::Amount amount, std::int64_t change,
                                             std::int64_t incarnation) {
    return save_usage_.run(key.resource, key.hour, key.subject, amount, change, incarnation);
}

core::Result<std::int64_t> JournalTables::mark_pending(const UsageKey& key) {
    const auto marked = mark_pending_.run(key.resource, key.hour, key.subject);
    if (!marked) return marked.error();
    return connection_.changes();
}

core::Result<std::int64_t> JournalTables::mark_pending_after(std::int64_t change, std::int64_t incarnation) {
    auto statement = connection_.prepare(
        "INSERT OR IGNORE INTO usage_pending(resource, hour, subject) SELECT resource, hour, subject FROM "
        "usage WHERE changed > ? AND incarnation = ?");
    if (!statement) return statement.error();
    if (const auto marked = statement->run(change, incarnation); !marked) return marked.error();
    return connection_.changes();
}

core::Result<std::int64_t> JournalTables::settle_usage(const UsageKey& key, std::int64_t change) {
    const auto settled = settle_usage_.run(key.resource, key.hour, key.subject, change);
    if (!settled) return settled.error();
    return connection_.changes();
}

core::Result<std::vector<PendingUsage>> JournalTables::pending_usage(std::size_t rows_max) {
    std::vector<PendingUsage> rows;
    Cursor row = pending_usage_.query(rows_max);
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return rows;
        UsageKey key{row.integer(0), core::UtcHour{row.integer(1)}, row.string(2)};
        rows.push_back({std::move(key), core::Amount{row.integer(3)}});
    }
}

core::Result<std::int64_t> JournalTables::pending_usage_rows() {
    return connection_.number("SELECT count(*) FROM usage_pending");
}

core::Result<core::Amount> JournalTables::usage_since(ResourceId id, core::UtcHour hour) {
    Cursor row = usage_since_.query(id, hour);
    const auto found = row.next();
    if (!found) return found.error();
    return core::Amount{row.integer(0)};
}

core::Result<core::Amount> JournalTables::usage_of_hour(ResourceId id, core::UtcHour hour) {
    Cursor row = usage_of_hour_.query(id, hour);
    const auto found = row.next();
    if (!found) return found.error();
    return core::Amount{row.integer(0)};
}

core::Result<void> JournalTables::add_units(ResourceId id, std::string_view tranche, core::UtcHour hour,
                                            core::Units units, std::int64_t change,
                                            std::int64_t incarnation) {
    return add_units_.run(id, tranche, hour, units, change, incarnation);
}

core::Result<ChangedUnits> JournalTables::units_changed_after(std::int64_t change, std::int64_t incarnation,
                                                              std::size_t rows_max) {
    ChangedUnits changed;
    Cursor row = units_changed_.query(change, incarnation);
    for (std::int64_t newest = change;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) break;
        if (changed.rows.size() >= rows_max && row.integer(4) != newest) {
            changed.up_to = newest;
            break;
        }
        newest = row.integer(4);
        changed.rows.push_back(
            {row.integer(0), row.string(1), core::UtcHour{row.integer(2)}, core::Units{row.integer(3)}});
    }
    std::ranges::sort(changed.rows, [](const PendingUnits& a, const PendingUnits& b) {
        return std::tie(a.resource, a.tranche, a.hour) < std::tie(b.resource, b.tranche, b.hour);
    });
    return changed;
}

core::Result<std::int64_t> JournalTables::newest_change(std::int64_t settled) {
    const auto usage = connection_.number(
        "SELECT coalesce(max(u.changed), 0) FROM usage_pending p JOIN usage u USING (resource, hour, "
        "subject)");
    if (!usage) return usage;
    const auto units = connection_.number("SELECT coalesce(max(changed), 0) FROM unit_hour");
    if (!units) return units;
    return std::max({settled, *usage, *units});
}

core::Result<void> JournalTables::forget_lease() {
    return connection_.execute("DELETE FROM tranche; DELETE FROM usage_pending");
}

core::Result<void> JournalTables::carry_usage(const UsageKey& key, core::Amount carried, std::int64_t change,
                                              std::int64_t incarnation) {
    return carry_usage_.run(key.resource, key.hour, key.subject, carried, change, incarnation);
}

core::Result<void> JournalTables::take_back_units(ResourceId id, std::string_view tranche, core::UtcHour hour,
                                                  core::Units units) {
    if (const auto gone = forget_units_.run(id, tranche, hour, units); !gone) return gone;
    return take_back_units_.run(id, tranche, hour, units);
}

core::Result<void> JournalTables::save_session(const SessionRecord& session) {
    return save_session_.run(session.id, session.resource, session.subject,
                             session.keeping == SessionKeeping::connection ? 0 : 1, session.uid,
                             session.started_at, session.metered, session.completed_at_start, session.boot_id,
                             session.mark, session.stop_at, session.ended_at, session.units_completed,
                             session.remainder, session.quantity);
}

core::Result<std::vector<SessionRecord>> JournalTables::running_sessions() {
    auto statement = connection_.prepare("SELECT " + std::string(session_columns) +
                                         " FROM session WHERE ended_at_ms IS NULL ORDER BY id");
    if (!statement) return statement.error();
    std::vector<SessionRecord> sessions;
    Cursor row = statement->query();
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return sessions;
        sessions.push_back(session_of(row));
    }
}

core::Result<std::optional<SessionRecord>> JournalTables::session(std::string_view id) {
    Cursor row = session_.query(id);
    const auto found = row.next();
    if (!found) return found.error();
    if (!*found) return std::optional<SessionRecord>{};
    return std::optional(session_of(row));
}

core::Result<JournalRows> JournalTables::rows() {
    auto statement = connection_.prepare(
        "SELECT coalesce((SELECT max(seq) FROM event) - (SELECT min(seq) FROM event) + 1, 0), "
        "(SELECT taken_at_ms FROM event ORDER BY seq LIMIT 1)");
    if (!statement) return statement.error();
    Cursor row = statement->query();
    const auto found = row.next();
    if (!found) return found.error();
    return JournalRows{row.integer(0), optional_utc(row, 1)};
}

}  // namespace meterbox::agent
