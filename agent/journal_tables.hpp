// The rows of the journal as values: each statement once, no decisions. Used inside the journal's
// transactions, and for reads between them, on whichever thread holds the store at that moment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/session_record.hpp"
#include "core/cloud_event.hpp"
#include "core/error.hpp"
#include "core/ledger.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

using ResourceId = std::int64_t;  // a row's id, of this journal alone

struct StoredResource {
    ResourceId id = 0;
    core::ResourceLedger ledger;
    std::optional<core::UtcTime> high_water;
    core::Amount former;  // metered in former incarnations
};

struct UsageKey {
    ResourceId resource = 0;
    core::UtcHour hour;
    std::string subject;
    friend auto operator<=>(const UsageKey&, const UsageKey&) = default;
};

struct PendingUsage {
    UsageKey key;
    core::Amount amount;
};

struct PendingUnits {
    ResourceId resource = 0;
    std::string tranche;
    core::UtcHour hour;
    core::Units units;
};

struct ChangedUnits {
    std::vector<PendingUnits> rows;
    std::optional<std::int64_t> up_to;  // the change of the last one, where more follow
};

struct JournalRows {
    std::int64_t events = 0;
    std::optional<core::UtcTime> oldest_event;  // when the oldest one was taken
};

class JournalTables {
public:
    explicit JournalTables(platform::sqlite::Connection& connection);

    core::Result<std::map<std::string, std::string>> meta();
    core::Result<void> set_meta(std::string_view key, std::string_view value);

    core::Result<std::vector<StoredResource>> resources();
    core::Result<ResourceId> add_resource(const core::Resource& resource);
    core::Result<void> describe_resource(ResourceId id, const core::Resource& resource);
    core::Result<void> save_metered(ResourceId id, core::Amount metered, core::Amount former,
                                    std::optional<core::UtcTime> high_water);
    core::Result<void> save_tranche(ResourceId id, std::int64_t draw_order, const core::Tranche& tranche);

    // Numbers rise by one, and are never given twice.
    core::Result<void> add_event(std::int64_t number, ResourceId id, const core::UsageEvent& event,
                                 core::UtcTime time, core::UtcTime taken_at);

    core::Result<std::optional<core::Amount>> usage(const UsageKey& key);
    core::Result<std::int64_t> subjects(ResourceId id, core::UtcHour hour);  // how many that hour has
    // What a row holds when its first change of an incarnation comes belongs to the former ones.
    core::Result<void> save_usage(const UsageKey& key, core::Amount amount, std::int64_t change,
                                  std::int64_t incarnation);
    // Both answer with how many rows that added or took away: 1 or 0.
    core::Result<std::int64_t> mark_pending(const UsageKey& key);
    // Of this incarnation, what changed later.
    core::Result<std::int64_t> mark_pending_after(std::int64_t change, std::int64_t incarnation);
    // Pending no more, unless it changed after `change`.
    core::Result<std::int64_t> settle_usage(const UsageKey& key, std::int64_t change);
    core::Result<std::vector<PendingUsage>> pending_usage(std::size_t rows_max);  // of this incarnation
    core::Result<std::int64_t> pending_usage_rows();
    core::Result<core::Amount> usage_since(ResourceId id, core::UtcHour hour);
    core::Result<core::Amount> usage_of_hour(ResourceId id, core::UtcHour hour);

    core::Result<void> add_units(ResourceId id, std::string_view tranche, core::UtcHour hour,
                                 core::Units units, std::int64_t change, std::int64_t incarnation);
    // In the order of their places. Where there are more than rows_max, the oldest changes alone, each whole.
    core::Result<ChangedUnits> units_changed_after(std::int64_t change, std::int64_t incarnation,
                                                   std::size_t rows_max);
    // The newest change that any row carries; `settled` when none is newer.
    core::Result<std::int64_t> newest_change(std::int64_t settled);

    // A new incarnation: no lease, nothing pending.
    core::Result<void> forget_lease();
    core::Result<void> carry_usage(const UsageKey& key, core::Amount carried, std::int64_t change,
                                   std::int64_t incarnation);
    core::Result<void> take_back_units(ResourceId id, std::string_view tranche, core::UtcHour hour,
                                       core::Units units);

    core::Result<void> save_session(const SessionRecord& session);
    core::Result<std::vector<SessionRecord>> running_sessions();
    core::Result<std::optional<SessionRecord>> session(std::string_view id);

    core::Result<JournalRows> rows();

private:
    platform::sqlite::Connection& connection_;
    platform::sqlite::Statement set_meta_, add_resource_, describe_resource_, save_metered_, save_tranche_,
        add_event_, usage_, subjects_, save_usage_, mark_pending_, settle_usage_, pending_usage_,
        usage_since_, usage_of_hour_, add_units_, units_changed_, carry_usage_, forget_units_,
        take_back_units_, save_session_, session_;
};

}  // namespace meterbox::agent
