// balance, usage, audit.
#include <boost/json.hpp>

#include "account/audit.hpp"
#include "account/billing.hpp"
#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "account/custody.hpp"
#include "account/outlook.hpp"
#include "account/pool.hpp"
#include "account/table.hpp"
#include "account/team_cards.hpp"
#include "account/usage_report.hpp"

namespace meterbox::account {

namespace {

core::Result<std::vector<core::Card>> cards_of(Store& store, const std::string& team, core::UtcTime now) {
    const auto closed =
        close_due_cycles(store.database(), team, store.settings().invoice_final_after_ms, now);
    if (!closed) return closed.error();
    Ledger ledger(store.database(), now);
    Pool pool(store.database(), team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return begun.error();
    pool.expire_ended(ledger);
    Custody(store.database(), ledger, pool).settle();  // a grant may have begun since anybody looked
    auto cards = team_cards(pool, load_catalogue(store.database()), store.settings(), now);
    set_exhausts_at(store.database(), pool, cards, now);
    return cards;
}

std::string amount_text(core::Amount amount, core::Measure measure) {
    return measure == core::Measure::duration ? core::format_short_duration(amount.value())
                                              : std::to_string(amount.value());
}

Outcome outcome_of(const std::string& team, const AuditReport& report, bool json) {
    Outcome outcome;
    if (!report.ok()) {
        outcome = failed(std::to_string(report.differences.size()) + " differences in team " + team + ": " +
                         report.differences.front());
    }
    if (json) {
        outcome.out = boost::json::serialize(audit_to_json(team, report)) + "\n";
        return outcome;
    }
    outcome.out = "team " + team + ": " + std::to_string(report.entries) + " entries, " +
                  std::to_string(report.tranches) + " tranches, " + std::to_string(report.holdings) +
                  " leases " + (report.ok() ? "agree" : "DON'T AGREE") + "\n";
    for (const std::string& line : report.differences) outcome.out += "difference: " + line + "\n";
    for (const std::string& line : report.findings) outcome.out += "finding: " + line + "\n";
    return outcome;
}

}  // namespace

core::Result<boost::json::object> cards_json(Store& store, const std::string& team) {
    const core::UtcTime now = store.now();
    const auto all = cards_of(store, team, now);
    if (!all) return all.error();
    boost::json::array cards;
    for (const core::Card& card : *all) cards.push_back(core::card_to_json(card));
    boost::json::object json{{"team", team}, {"as_of", core::format_rfc3339(now)}};
    json["cards"] = std::move(cards);
    json["expiries"] = expiries_json(store.database(), team, now);
    return json;
}

Outcome balance(Store& store, const std::string& team, bool json) {
    if (!team_exists(store, team)) return no_such_team(team);
    if (json) {
        const auto object = cards_json(store, team);
        if (!object) return from_error(object.error());
        return {exit_done, boost::json::serialize(*object) + "\n", {}};
    }
    const auto cards = cards_of(store, team, store.now());
    if (!cards) return from_error(cards.error());
    Table table({"RESOURCE", "STATE", "AVAILABLE", "OF", "USED", "LEASED", "CHARGED", "REMAINDER", "OVERAGE",
                 "REFRESHES", "ENDS"});
    for (const core::Card& card : *cards) {
        const auto percent = core::used_percent(card.purchased_units, card.available_units);
        const bool open_only = card.payg_open && card.purchased_units.value() == 0;
        table.add({card.resource, std::string(core::name_of(card.state)),
                   open_only ? "no limit" : std::to_string(card.available_units.value()),
                   open_only
                       ? "-"
                       : std::to_string(card.purchased_units.value()) + (card.payg_open ? " + payg" : ""),
                   percent ? std::to_string(*percent) + " %" : "-", std::to_string(card.leased_units.value()),
                   std::to_string(card.charged_units.value()), amount_text(card.remainder, card.measure),
                   std::to_string(card.overage_units.value()),
                   card.refreshes_at ? core::format_rfc3339(*card.refreshes_at) : "-",
                   card.ends_at ? core::format_rfc3339(*card.ends_at) : "-"});
    }
    return {exit_done, table.text() + as_of_line(store.now()), {}};
}

Outcome usage(Store& store, const UsageOptions& options, bool json) {
    const auto from =
        options.from.empty() ? start_of_period(store.now(), Period::month) : parse_time(options.from, "UTC");
    const auto to = options.to.empty() ? store.now() + 1 : parse_time(options.to, "UTC");
    const auto by = period_from(options.by);
    if (!from)
        return wrong_usage("--from " + options.from +
                           ": a date or a time like 2026-07-15T00:00:00Z is needed");
    if (!to)
        return wrong_usage("--to " + options.to + ": a date or a time like 2026-07-15T00:00:00Z is needed");
    if (!by) return wrong_usage("--by " + options.by + ": hour, day or month");
    if (*to < *from) return wrong_usage("--to is before --from");
    if (!team_exists(store, options.team)) return no_such_team(options.team);
    if (!options.resource.empty() && !find_resource(store.database(), options.resource))
        return no_such_resource(options.resource);
    if (!options.agent.empty() && !has_agent(store.database(), options.team, options.agent))
        return failed("team " + options.team + " has no agent " + options.agent + ": see agent list " +
                      options.team);
    if (json && options.csv) return wrong_usage("--json or --csv, not both");
    const auto found =
        team_usage(store.database(), {options.team, *from, *to, *by, options.resource, options.agent,
                                      detail_kept_from(store.now(), store.settings().keep_usage_ms)});
    if (!found) return failed(found.error().detail);
    const std::vector<UsageRow>& rows = *found;
    if (json)
        return {exit_done, boost::json::serialize(usage_to_json(options.team, store.now(), rows)) + "\n", {}};
    if (options.csv) return {exit_done, usage_to_csv(rows), {}};

    const Catalogue catalogue = load_catalogue(store.database());
    Table table({"FROM", "RESOURCE", "AGENT", "SUBJECT", "USAGE", "UNITS"});
    for (const UsageRow& row : rows) {
        core::Measure measure = core::Measure::count;
        for (const core::Resource& resource : catalogue.resources) {
            if (resource.key == row.resource) measure = resource.measure;
        }
        table.add({core::format_rfc3339(row.from), row.resource, row.agent,
                   row.subject.empty() ? "-" : row.subject, amount_text(row.usage, measure),
                   std::to_string(row.units.value())});
    }
    return {exit_done, table.text() + as_of_line(store.now()), {}};
}

LongCommand audit_team(const std::string& team, bool json) {
    const auto audit = std::make_shared<Audit>(team);
    return [team, json, audit](Store& store, const std::function<bool()>& over) -> std::optional<Outcome> {
        if (!team_exists(store, team)) return no_such_team(team);
        if (audit->go_on(store.database(), store.now(), over)) return std::nullopt;
        return outcome_of(team, audit->report(), json);
    };
}

}  // namespace meterbox::account
