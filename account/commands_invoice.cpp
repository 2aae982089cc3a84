// invoice: what a team's payg units of one billing cycle cost.
#include <boost/json.hpp>

#include "account/commands.hpp"
#include "account/invoice.hpp"
#include "account/table.hpp"
#include "platform/zones/time_zone.hpp"

namespace meterbox::account {

Outcome invoice(Store& store, const InvoiceOptions& options, bool json) {
    Database& database = store.database();
    std::optional<core::LocalDate> date;
    if (!options.cycle.empty()) {
        date = core::parse_date(options.cycle);
        if (!date || static_cast<int>(date->year()) >= core::limits::grant_year_max)
            return wrong_usage("--cycle " + options.cycle + ": a date like 2026-07-15 is needed");
    }
    if (!team_exists(store, options.team)) return no_such_team(options.team);
    const auto final_after = store.settings().invoice_final_after_ms;
    if (const auto closed = close_due_cycles(database, options.team, final_after, store.now()); !closed)
        return from_error(closed.error());
    auto made = make_invoice(database, options.team, store.now(), final_after, store.now());
    if (made && date) {
        const auto zone = platform::zones::TimeZone::find(made->zone);
        if (!zone) return from_error(zone.error());
        made = make_invoice(database, options.team, zone->first_instant(*date), final_after, store.now());
    }
    if (!made) return from_error(made.error());
    if (const auto problem = made->problem(); !problem.empty()) return failed(problem);
    if (json)
        return {
            exit_done, boost::json::serialize(invoice_to_json(options.team, *made, store.now())) + "\n", {}};

    Table table({"RESOURCE", "UNITS", "LATE", "UNIT PRICE", "AMOUNT", "REASON"});
    for (const InvoiceLine& line : made->lines) {
        table.add({line.resource, std::to_string(line.units), std::to_string(line.late_units),
                   std::to_string(line.unit_price), std::to_string(*line.amount()),
                   line.reason.empty() ? "-" : line.reason});
    }
    const std::string head = "team " + options.team + ", " + core::format_rfc3339(made->cycle.from) + " to " +
                             core::format_rfc3339(made->cycle.to) + " (" + made->zone + "), " +
                             (made->final ? "final" : "open") + "\n";
    return {exit_done,
            head + table.text() + "total " + std::to_string(*made->total()) + " " +
                made->currency.value_or("") + " in minor units\n" + as_of_line(store.now()),
            {}};
}

core::Result<boost::json::object> invoices_json(Store& store, const std::string& team) {
    const auto final_after = store.settings().invoice_final_after_ms;
    const auto closed = close_due_cycles(store.database(), team, final_after, store.now());
    if (!closed) return closed.error();
    const auto invoices = list_invoices(store.database(), team, final_after, store.now());
    if (!invoices) return invoices.error();
    boost::json::array list;
    for (const Invoice& invoice : *invoices) list.push_back(invoice_to_json(team, invoice, store.now()));
    boost::json::object json{{"as_of", core::format_rfc3339(store.now())}};
    json["invoices"] = std::move(list);
    return json;
}

}  // namespace meterbox::account
