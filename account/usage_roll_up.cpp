// The table usage, from its old end on.
#include "account/usage_roll_up.hpp"

#include <algorithm>

#include "account/usage_report.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

namespace {

// An agent takes reports of 62 days ago; a day more for its clock and the way.
constexpr std::int64_t may_be_reported_ms = core::limits::event_age_ms_max + core::day_ms;

// Since when usage is kept by hour.
std::int64_t first_detail_hour(core::UtcTime now, std::int64_t keep_ms) {
    return core::hour_of(detail_kept_from(now, keep_ms)).number;
}

}  // namespace

UsageRollUp::UsageRollUp(Database& database, platform::store::Transactions& transactions, core::UtcTime now,
                         std::int64_t keep_ms)
    : database_(database), transactions_(transactions), end_hour_(first_detail_hour(now, keep_ms)) {}

// Not what an agent may still send: that is of its present incarnation, and who is revoked or retired sends
// nothing. Of an agent that nobody knows this of, nothing.
void UsageRollUp::begin() {
    begun_ = true;
    database_.each(
        "SELECT id, incarnation, CASE WHEN state NOT IN ('revoked', 'retired') THEN coalesce(unsettled_hour, "
        "0) END FROM agent UNION SELECT agent, number, NULL FROM incarnation ORDER BY 1, 2",
        [&](auto& row) {
            const auto unsettled = row.optional_integer(2);
            const std::int64_t end =
                unsettled ? std::min(end_hour_, first_hour_of_month({*unsettled})) : end_hour_;
            if (end > 0) parts_.push_back({row.string(0), row.integer(1), end});
        });
}

core::Result<bool> UsageRollUp::work(const std::function<bool()>& over) {
    if (!begun_) begin();
    while (part_ < parts_.size() && !database_.failed()) {
        if (const auto begun = transactions_.begin(); !begun) return begun.error();
        const bool more = page();
        if (database_.failed()) {
            transactions_.rollback();
            break;
        }
        if (const auto committed = transactions_.commit(); !committed) return committed.error();
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
        part.agent, part.incarnation, part.end_hour, std::get<0>(after_), std::get<1>(after_),
        std::get<2>(after_), core::limits::roll_up_page_rows);
    // A sum beyond every figure is the largest, as in reports: one agent's must not end the roll-up of all.
    for (const Row& row : rows) {
        after_ = {row.hour, row.resource, row.subject};
        const core::UtcHour first{first_hour_of_month({row.hour})};
        if (first.number == row.hour) continue;
        database_.run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?) ON CONFLICT (agent, incarnation, hour, resource, subject) DO UPDATE SET amount = CASE WHEN "
            "(SELECT kind FROM resource WHERE key = usage.resource) = 'returnable' THEN max(usage.amount, "
            "excluded.amount) WHEN usage.amount > 9223372036854775807 - excluded.amount THEN "
            "9223372036854775807 ELSE usage.amount + excluded.amount END",
            part.agent, part.incarnation, first, row.resource, row.subject, row.amount);
        database_.run(
            "DELETE FROM usage WHERE agent = ? AND incarnation = ? AND hour = ? AND resource = ? AND subject "
            "= ?",
            part.agent, part.incarnation, row.hour, row.resource, row.subject);
        ++rolled_up_;
    }
    return static_cast<std::int64_t>(rows.size()) == core::limits::roll_up_page_rows;
}

std::int64_t first_hour_of_month(core::UtcHour hour) {
    return core::hour_of(start_of_period(core::start_of(hour), Period::month)).number;
}

std::int64_t rolled_up_to(const Agent& agent, core::UtcTime now, std::int64_t keep_ms) {
    const std::int64_t detail_hour = first_detail_hour(now, keep_ms);
    if (!agent.unsettled_hour) return detail_hour;
    return std::min(detail_hour, first_hour_of_month({*agent.unsettled_hour}));
}

void note_settled_usage(Database& database, const Agent& agent,
                        const std::vector<core::wire::UsageRow>& last_told, std::int64_t rolled_up_to,
                        core::UtcTime now) {
    std::int64_t unsettled = first_hour_of_month(core::hour_of(now + -may_be_reported_ms));
    for (const core::wire::UsageRow& row : last_told) unsettled = std::min(unsettled, row.hour.number);
    unsettled = std::max(unsettled, rolled_up_to);  // what comes of a time before goes into a sum at once
    if (unsettled != agent.unsettled_hour)
        database.run("UPDATE agent SET unsettled_hour = ? WHERE id = ?", unsettled, agent.id);
}

}  // namespace meterbox::account
