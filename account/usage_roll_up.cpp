// The table usage, from its old end on.
#include "account/usage_roll_up.hpp"

#include <algorithm>

#include "account/usage_report.hpp"
#include "core/account_limits.hpp"

namespace meterbox::account {

UsageRollUp::UsageRollUp(Database& database, core::UtcTime now, std::int64_t keep_ms)
    : database_(database), end_hour_(core::hour_of(detail_kept_from(now, keep_ms)).number) {}

// Not what an agent may still send: that is of its present incarnation.
void UsageRollUp::begin() {
    begun_ = true;
    database_.each(
        "SELECT id, incarnation FROM agent WHERE coalesce(unsettled_hour >= ?, TRUE) UNION "
        "SELECT agent, number FROM incarnation ORDER BY 1, 2",
        [&](auto& row) {
            parts_.push_back({row.string(0), row.integer(1)});
        },
        end_hour_);
}

core::Result<bool> UsageRollUp::work(const std::function<bool()>& over) {
    if (!begun_) begin();
    while (part_ < parts_.size() && !database_.failed()) {
        if (const auto begun = database_.connection().begin(); !begun) return begun.error();
        const bool more = page();
        if (database_.failed()) {
            database_.connection().rollback();
            break;
        }
        if (const auto committed = database_.connection().commit(); !committed) return committed.error();
        if (!more) {
            ++part_;
            after_ = {};
        }
        if (over()) return part_ < parts_.size();
    }
    if (database_.failed()) return database_.error();
    return false;
}

bool UsageRollUp::page() {
    struct Row {
        std::int64_t hour = 0;
        std::string resource;
        std::string subject;
        std::int64_t amount = 0;
    };
    const Part& part = parts_[part_];
    std::vector<Row> rows;
    database_.each(
        "SELECT hour, resource, subject, amount FROM usage WHERE agent = ? AND incarnation = ? AND hour < ? "
        "AND "
        "(hour, resource, subject) > (?, ?, ?) ORDER BY hour, resource, subject LIMIT ?",
        [&](auto& row) {
            rows.push_back({row.integer(0), row.string(1), row.string(2), row.integer(3)});
        },
        part.agent, part.incarnation, end_hour_, std::get<0>(after_), std::get<1>(after_),
        std::get<2>(after_), core::limits::roll_up_page_rows);
    for (const Row& row : rows) {
        after_ = {row.hour, row.resource, row.subject};
        const core::UtcTime start = core::start_of({row.hour});
        const core::UtcHour first = core::hour_of(start_of_period(start, Period::month));
        if (first.number == row.hour) continue;
        database_.run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?) ON CONFLICT (agent, incarnation, hour, resource, subject) DO UPDATE SET amount = CASE "
            "(SELECT "
            "kind FROM resource WHERE key = usage.resource) WHEN 'returnable' THEN max(usage.amount, "
            "excluded.amount) ELSE usage.amount + excluded.amount END",
            part.agent, part.incarnation, first, row.resource, row.subject, row.amount);
        database_.run(
            "DELETE FROM usage WHERE agent = ? AND incarnation = ? AND hour = ? AND resource = ? AND subject "
            "= ?",
            part.agent, part.incarnation, row.hour, row.resource, row.subject);
        ++rolled_up_;
    }
    return static_cast<std::int64_t>(rows.size()) == core::limits::roll_up_page_rows;
}

void note_unsettled_usage(Database& database, const Agent& agent,
                          const std::vector<core::wire::UsageRow>& rows, bool all_of_it, bool later) {
    std::optional<std::int64_t> earliest;
    for (const core::wire::UsageRow& row : rows)
        earliest = std::min(earliest.value_or(row.hour.number), row.hour.number);
    // What an older message, or one that leaves something out, doesn't name may still come.
    const bool anew = all_of_it && later;
    if (!anew && agent.unsettled_hour)
        earliest = std::min(earliest.value_or(*agent.unsettled_hour), *agent.unsettled_hour);
    if (earliest != agent.unsettled_hour)
        database.run("UPDATE agent SET unsettled_hour = ? WHERE id = ?", earliest, agent.id);
}

}  // namespace meterbox::account
