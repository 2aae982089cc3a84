// Charges of payg tranches, each on the invoice that it belongs to.
#include "account/invoice.hpp"

#include <boost/json.hpp>
#include <limits>
#include <map>
#include <tuple>

#include "account/adjustment.hpp"
#include "account/catalogue.hpp"
#include "core/account_limits.hpp"

namespace meterbox::account {

namespace {

constexpr std::int64_t no_entry = std::numeric_limits<std::int64_t>::max();

// Units charged to tranches of one cycle, or given back (< 0).
struct Charge {
    std::string resource;
    core::UtcTime of;    // a moment of its cycle
    std::string reason;  // of an adjustment
    std::int64_t units = 0;
};

// A tranche without end is of before there were cycles: its units are of when they were charged.
#define OF_ "CASE WHEN t.ends_at IS NULL THEN l.at ELSE t.starts_at END"

std::vector<Charge> charges_of(Database& database, const std::string& team, const core::Cycle& cycle,
                               EntryRange entries) {
    std::vector<Charge> charges;
    database.each(
        "SELECT t.resource, " OF_
        ", CASE WHEN substr(l.reason, 1, 8) = 'adjust: ' THEN substr(l.reason, 9) "
        "ELSE '' END, sum(CASE WHEN l.to_ = 'charged' THEN l.units ELSE -l.units END) FROM tranche AS t JOIN "
        "ledger AS l ON l.tranche = t.id AND l.entry <= ?5 AND l.entry > CASE WHEN t.ends_at IS NULL OR "
        "t.starts_at >= ?2 THEN 0 ELSE ?4 END WHERE t.team = ?1 AND t.tier = 'payg' AND 'charged' IN "
        "(l.from_, l.to_) AND " OF_ " < ?3 AND (" OF_ " >= ?2 OR l.entry > ?4) GROUP BY 1, 2, 3",
        [&](auto& row) {
            charges.push_back({row.string(0), {row.integer(1)}, row.string(2), row.integer(3)});
        },
        team, cycle.from, cycle.to, entries.late_after, entries.last);
    return charges;
}

// What was first sold in the middle of a cycle has the price of that moment, and so has what is sold after it
// in that cycle. By the order in which grants were made, so that none made later changes a final invoice. Of
// one that an operator ended before, nothing was sold.
std::optional<core::UtcTime> first_sold_in(Database& database, const std::string& team,
                                           const std::string& resource, const core::Cycle& cycle) {
    return database.first(
        "SELECT starts_at FROM tranche WHERE team = ? AND resource = ? AND tier = 'payg' AND starts_at < ? "
        "AND (ends_at IS NULL OR ends_at > ?) AND NOT EXISTS (SELECT 1 FROM grant_ WHERE grant_.id = "
        "tranche.grant_id AND ended_at <= tranche.starts_at) ORDER BY id LIMIT 1",
        [](auto& row) { return core::UtcTime{row.integer(0)}; }, team, resource, cycle.to, cycle.from);
}

// The first of the team's cycles that isn't closed.
core::Result<core::Cycle> first_open(const Billing& billing) {
    return billing.holding(billing.open_until ? *billing.open_until + -1 : *billing.payg_since);
}

core::Result<Invoice> invoice_of(Database& database, const std::string& team, const Billing& billing,
                                 const core::Cycle& cycle, std::int64_t final_after_ms, core::UtcTime now) {
    Invoice invoice{cycle, billing.zone, billing.currency, now >= cycle.to + final_after_ms, {}};
    if (closed_at(database, team, cycle.from)) {
        invoice.final = true;
        invoice.lines = kept_lines(database, team, cycle.from);
        return invoice;
    }
    if (!billing.payg_since) return invoice;
    const auto open = first_open(billing);
    if (!open) return open.error();
    if (cycle.from < open->from) return invoice;  // before the team had any payg
    invoice.final = false;
    const auto closed = last_closed(database, team);
    const std::int64_t late_after = cycle.from == open->from ? closed ? closed->last_entry : 0 : no_entry;
    auto lines = lines_of(database, team, billing, cycle, {late_after, no_entry});
    if (!lines) return lines.error();
    invoice.lines = std::move(*lines);
    return invoice;
}

}  // namespace

std::vector<InvoiceLine> kept_lines(Database& database, const std::string& team, core::UtcTime from) {
    std::vector<InvoiceLine> lines;
    database.each(
        "SELECT resource, units, late_units, unit_price, reason FROM invoice_line WHERE team = ? AND from_ = "
        "? "
        "ORDER BY position",
        [&](auto& row) {
            lines.push_back({row.string(0), row.integer(1), row.integer(2), row.integer(3), row.string(4)});
        },
        team, from);
    return lines;
}

std::optional<std::int64_t> InvoiceLine::amount() const {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(units, unit_price, &product)) return std::nullopt;
    return product;
}

std::optional<std::int64_t> Invoice::total() const {
    std::int64_t sum = 0;
    for (const InvoiceLine& line : lines) {
        const auto amount = line.amount();
        if (!amount || __builtin_add_overflow(sum, *amount, &sum)) return std::nullopt;
    }
    return sum;
}

// An amount that 64 bits can't hold is told as such, and never as another.
std::string Invoice::problem() const {
    if (total()) return {};
    const std::string head = "the invoice from " + core::format_rfc3339(cycle.from) + ": ";
    const std::string more = " more than an amount can be: 2^63 minor units of the currency";
    for (const InvoiceLine& line : lines) {
        if (line.amount()) continue;
        return head + std::to_string(line.units) + " units of " + line.resource + " at " +
               std::to_string(line.unit_price) + " each make" + more;
    }
    return head + "its lines make" + more;
}

core::Result<std::vector<InvoiceLine>> lines_of(Database& database, const std::string& team,
                                                const Billing& billing, const core::Cycle& cycle,
                                                EntryRange entries, PriceRule rule) {
    std::map<std::tuple<std::string, std::string, std::int64_t>, InvoiceLine> by_price;
    for (const Charge& charge : charges_of(database, team, cycle, entries)) {
        const auto own = billing.holding(charge.of);
        if (!own) return own.error();
        core::UtcTime sold = charge.of;
        if (rule == PriceRule::of_cycle)
            sold = std::min(sold, first_sold_in(database, team, charge.resource, *own).value_or(sold));
        auto known = price_at(database, charge.resource, std::max(own->from, sold));
        if (!known && rule != PriceRule::free_before) known = first_price(database, charge.resource);
        const std::int64_t price = known.value_or(0);
        InvoiceLine& line = by_price[{charge.resource, charge.reason, price}];
        line.resource = charge.resource;
        line.reason = charge.reason;
        line.unit_price = price;
        line.units += charge.units;
        if (own->from != cycle.from) line.late_units += charge.units;
    }
    std::vector<InvoiceLine> lines;
    for (const auto& [key, line] : by_price)
        if (line.units != 0 || line.late_units != 0) lines.push_back(line);
    return lines;
}

core::Result<Invoice> make_invoice(Database& database, const std::string& team, core::UtcTime moment,
                                   std::int64_t final_after_ms, core::UtcTime now) {
    const Billing billing = billing_of(database, team);
    const auto cycle = billing.holding(moment);
    if (!cycle) return cycle.error();
    return invoice_of(database, team, billing, *cycle, final_after_ms, now);
}

core::Result<std::vector<Invoice>> list_invoices(Database& database, const std::string& team,
                                                 std::int64_t final_after_ms, core::UtcTime now) {
    const Billing billing = billing_of(database, team);
    std::vector<Invoice> invoices;
    auto cycle = billing.holding(now);
    while (cycle && invoices.size() < core::limits::invoices_max) {
        auto invoice = invoice_of(database, team, billing, *cycle, final_after_ms, now);
        if (!invoice) return invoice.error();
        invoices.push_back(std::move(*invoice));
        cycle = billing.holding(cycle->from + -1);
        if (cycle && (!billing.payg_since || cycle->to <= *billing.payg_since)) break;
    }
    if (!cycle) return cycle.error();
    return invoices;
}

boost::json::object invoice_to_json(const std::string& team, const Invoice& invoice, core::UtcTime as_of) {
    boost::json::array lines;
    for (const InvoiceLine& line : invoice.lines) {
        boost::json::object json{
            {"resource", line.resource},     {"units", line.units}, {"late_units", line.late_units},
            {"unit_price", line.unit_price}, {"amount", nullptr},   {"reason", nullptr}};
        if (const auto amount = line.amount()) json["amount"] = *amount;
        if (!line.reason.empty()) json["reason"] = line.reason;
        lines.push_back(std::move(json));
    }
    boost::json::object json{{"team", team},
                             {"as_of", core::format_rfc3339(as_of)},
                             {"from", core::format_rfc3339(invoice.cycle.from)},
                             {"to", core::format_rfc3339(invoice.cycle.to)},
                             {"zone", invoice.zone},
                             {"status", invoice.final ? "final" : "open"},
                             {"currency", nullptr}};
    if (invoice.currency) json["currency"] = *invoice.currency;
    json["lines"] = std::move(lines);
    json["total"] = nullptr;
    if (const auto total = invoice.total()) json["total"] = *total;
    if (const auto problem = invoice.problem(); !problem.empty()) json["problem"] = problem;
    return json;
}

}  // namespace meterbox::account
