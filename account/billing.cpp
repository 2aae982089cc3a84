// The tables team and invoice.
#include "account/billing.hpp"

#include <algorithm>
#include <limits>

#include "account/cycles.hpp"
#include "account/draw_order.hpp"
#include "account/invoice.hpp"
#include "account/learning.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"

namespace meterbox::account {

namespace {

ClosedCycle closed_from(platform::sql::Row& row) {
    return {{{row.integer(0)}, {row.integer(1)}}, row.integer(2)};
}

class Closing {
public:
    Closing(Database& database, const std::string& team, std::int64_t final_after_ms, core::UtcTime now)
        : database_(database),
          team_(team),
          billing_(billing_of(database, team)),
          final_after_ms_(final_after_ms),
          now_(now) {}

    core::Result<void> run() {
        if (!billing_.payg_since) return {};
        // What was due before anybody kept invoices is closed as it was shown: by the time of its entries,
        // and without another look at its draw order.
        const bool kept = billing_.open_until.has_value();
        auto cycle = billing_.holding(kept ? *billing_.open_until + -1 : *billing_.payg_since);
        while (cycle && now_ >= cycle->to + final_after_ms_) {
            const auto before = last_closed(database_, team_);
            const std::int64_t late_after = before ? before->last_entry : 0;
            if (kept) {
                correct_late_draw_order(database_, team_, *cycle, late_after, now_);
                correct_draw_order(database_, team_, *cycle, now_);
            }
            const std::int64_t last_entry =
                kept ? last_of_ledger() : last_before(cycle->to + final_after_ms_);
            if (const auto done = keep(*cycle, {late_after, last_entry}); !done) return done.error();
            cycle = billing_.holding(cycle->to);
        }
        if (!cycle) return cycle.error();
        database_.run("UPDATE team SET open_until = ? WHERE key = ?", cycle->to, team_);
        return {};
    }

private:
    std::int64_t last_of_ledger() { return database_.number("SELECT max(entry) FROM ledger"); }
    std::int64_t last_before(core::UtcTime time) {
        return database_.number("SELECT max(entry) FROM ledger WHERE at < ?", time);
    }

    core::Result<void> keep(const core::Cycle& cycle, EntryRange entries) {
        const auto lines = lines_of(database_, team_, billing_, cycle, entries);
        if (!lines) return lines.error();
        database_.run(
            "INSERT INTO invoice (team, from_, to_, currency, last_entry, final_at) VALUES (?, ?, ?, ?, ?, "
            "?)",
            team_, cycle.from, cycle.to, billing_.currency, entries.last, now_);
        std::int64_t position = 0;
        for (const InvoiceLine& line : *lines) {
            database_.run(
                "INSERT INTO invoice_line (team, from_, position, resource, units, late_units, unit_price, "
                "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                team_, cycle.from, ++position, line.resource, line.units, line.late_units, line.unit_price,
                line.reason);
        }
        return {};
    }

    Database& database_;
    std::string team_;
    Billing billing_;
    std::int64_t final_after_ms_;
    core::UtcTime now_;
};

}  // namespace

core::Result<core::Cycle> Billing::holding(core::UtcTime time) const {
    return cycle_of(zone, anchor, time);
}

Billing billing_of(Database& database, const std::string& team) {
    return database
        .first(
            "SELECT coalesce(first.zone, team.zone), coalesce(first.anchor, '2000-01-01'), currency, "
            "first.created_at, nullif(open_until, 0) FROM team LEFT JOIN grant_ AS first ON first.id = "
            "(SELECT "
            "min(id) FROM grant_ WHERE team = team.key AND tier = 'payg') WHERE key = ?",
            [](auto& row) {
                Billing billing{row.string(0), row.string(1), {}, {}, {}};
                if (!row.is_null(2)) billing.currency = row.string(2);
                if (!row.is_null(3)) billing.payg_since = core::UtcTime{row.integer(3)};
                if (!row.is_null(4)) billing.open_until = core::UtcTime{row.integer(4)};
                return billing;
            },
            team)
        .value_or(Billing{"UTC", "2000-01-01", {}, {}, {}});
}

std::optional<ClosedCycle> last_closed(Database& database, const std::string& team) {
    return database.first(
        "SELECT from_, to_, last_entry FROM invoice WHERE team = ? ORDER BY from_ DESC LIMIT 1", closed_from,
        team);
}

std::optional<ClosedCycle> closed_at(Database& database, const std::string& team, core::UtcTime from) {
    return database.first("SELECT from_, to_, last_entry FROM invoice WHERE team = ? AND from_ = ?",
                          closed_from, team, from);
}

std::vector<ClosedCycle> all_closed(Database& database, const std::string& team) {
    std::vector<ClosedCycle> closed;
    database.each(
        "SELECT from_, to_, last_entry FROM invoice WHERE team = ? ORDER BY from_",
        [&](auto& row) { closed.push_back(closed_from(row)); }, team);
    return closed;
}

core::Result<void> close_due_cycles(Database& database, const std::string& team, std::int64_t final_after_ms,
                                    core::UtcTime now) {
    const std::int64_t open_until =
        database.number("SELECT coalesce(open_until, 9223372036854775807) FROM team WHERE key = ?", team);
    if (open_until > now.ms - final_after_ms) return {};
    if (is_learning(database, team)) return {};  // what is unleased, to be drawn from, isn't known
    return Closing(database, team, final_after_ms, now).run();
}

core::Result<void> correct_when_learned(Database& database, const std::string& team, core::UtcTime now) {
    if (is_learning(database, team)) return {};
    const Billing billing = billing_of(database, team);
    auto cycle = billing.holding(billing.open_until ? std::min(*billing.open_until + -1, now) : now);
    while (cycle && cycle->from <= now) {
        correct_draw_order(database, team, *cycle, now);
        cycle = billing.holding(cycle->to);
    }
    if (!cycle) return cycle.error();
    return {};
}

}  // namespace meterbox::account
