// Charges of payg tranches, each put on the invoice that it belongs to.
#include "account/invoice.hpp"

#include <boost/json.hpp>
#include <map>

#include "account/catalogue.hpp"
#include "account/cycles.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

namespace {

// A team's cycles and their zone: those of its first payg grant; without one, calendar months.
struct Billing {
    std::string zone;
    std::string anchor;
    std::optional<std::string> currency;
};

Billing billing_of(Database& database, const std::string& team) {
    return database
        .first(
            "SELECT coalesce(first.zone, team.zone), coalesce(first.anchor, '2000-01-01'), currency FROM "
            "team "
            "LEFT JOIN grant_ AS first ON first.id = (SELECT min(id) FROM grant_ WHERE team = team.key AND "
            "tier = 'payg') WHERE key = ?",
            [](auto& row) {
                Billing billing{row.string(0), row.string(1), std::nullopt};
                if (!row.is_null(2)) billing.currency = row.string(2);
                return billing;
            },
            team)
        .value_or(Billing{"UTC", "2000-01-01", std::nullopt});
}

// Units charged, or given back (< 0), at one time to one tranche.
struct Charge {
    std::string resource;
    core::UtcTime belongs_to;  // a moment of its cycle
    core::UtcTime at;
    std::int64_t units = 0;
};

std::vector<Charge> charges_of(Database& database, const std::string& team) {
    std::vector<Charge> charges;
    database.each(
        "SELECT t.resource, t.starts_at, t.ends_at, l.at, sum(CASE l.to_ WHEN 'charged' THEN l.units ELSE "
        "-l.units END) FROM tranche AS t JOIN ledger AS l ON l.tranche = t.id WHERE t.team = ? AND t.tier = "
        "'payg' AND 'charged' IN (l.from_, l.to_) GROUP BY t.id, l.at",
        [&](auto& row) {
            // A tranche without end is of before there were cycles: its units are of when they were charged.
            const core::UtcTime at{row.integer(3)};
            const core::UtcTime of = row.is_null(2) ? at : core::UtcTime{row.integer(1)};
            charges.push_back({row.string(0), of, at, row.integer(4)});
        },
        team);
    return charges;
}

class Cycles {
public:
    Cycles(Billing billing, std::int64_t final_after_ms)
        : billing_(std::move(billing)), final_after_ms_(final_after_ms) {}

    core::Result<core::Cycle> holding(core::UtcTime time) const {
        return cycle_of(billing_.zone, billing_.anchor, time);
    }
    bool is_final(const core::Cycle& cycle, core::UtcTime at) const {
        return at >= cycle.to + final_after_ms_;
    }
    // The cycle on whose invoice it is.
    core::Result<core::Cycle> invoiced(const Charge& charge) const {
        auto own = holding(charge.belongs_to);
        if (!own || !is_final(*own, charge.at)) return own;
        return holding(charge.at + -final_after_ms_);  // the first that isn't final
    }

private:
    Billing billing_;
    std::int64_t final_after_ms_;
};

}  // namespace

std::int64_t Invoice::total() const {
    std::int64_t sum = 0;
    for (const InvoiceLine& line : lines) sum += line.amount();
    return sum;
}

core::Result<Invoice> make_invoice(Database& database, const std::string& team, core::UtcTime moment,
                                   std::int64_t final_after_ms, core::UtcTime now) {
    const Billing billing = billing_of(database, team);
    const Cycles cycles(billing, final_after_ms);
    const auto cycle = cycles.holding(moment);
    if (!cycle) return cycle.error();
    Invoice invoice{*cycle, billing.zone, billing.currency, cycles.is_final(*cycle, now), {}};
    std::map<std::pair<std::string, std::int64_t>, InvoiceLine> lines;
    for (const Charge& charge : charges_of(database, team)) {
        const auto on = cycles.invoiced(charge);
        if (!on) return on.error();
        if (on->from != cycle->from) continue;
        const auto own = cycles.holding(charge.belongs_to);
        if (!own) return own.error();
        // What was sold in the middle of a cycle has the price of that moment.
        const auto price = price_at(database, charge.resource, std::max(own->from, charge.belongs_to));
        InvoiceLine& line = lines[{charge.resource, price.value_or(0)}];
        line.resource = charge.resource;
        line.unit_price = price.value_or(0);
        line.units += charge.units;
        if (own->from != cycle->from) line.late_units += charge.units;
    }
    for (const auto& [key, line] : lines)
        if (line.units != 0 || line.late_units != 0) invoice.lines.push_back(line);
    return invoice;
}

boost::json::object invoice_to_json(const std::string& team, const Invoice& invoice) {
    boost::json::array lines;
    for (const InvoiceLine& line : invoice.lines) {
        lines.push_back({{"resource", line.resource},
                         {"units", line.units},
                         {"late_units", line.late_units},
                         {"unit_price", line.unit_price},
                         {"amount", line.amount()}});
    }
    boost::json::object json{{"team", team},
                             {"from", core::format_rfc3339(invoice.cycle.from)},
                             {"to", core::format_rfc3339(invoice.cycle.to)},
                             {"zone", invoice.zone},
                             {"status", invoice.final ? "final" : "open"},
                             {"currency", nullptr}};
    if (invoice.currency) json["currency"] = *invoice.currency;
    json["lines"] = std::move(lines);
    json["total"] = invoice.total();
    return json;
}

}  // namespace meterbox::account
