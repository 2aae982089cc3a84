// The table, and the text.
#include "account/account_metrics.hpp"

#include <array>

#include "core/metric_samples.hpp"

namespace meterbox::account {

namespace {

using core::BalanceState;
using core::Card;
using core::metric_label;
using Samples = core::MetricSamples;

constexpr std::string_view gauge = "gauge";
constexpr std::string_view counter = "counter";

struct ProcessMetric {
    AccountMetric metric;
    void (*sample)(const ProcessFigures&, Samples&);
};
struct TeamMetric {
    AccountMetric metric;
    void (*sample)(const TeamFigures&, const std::string& team, Samples&);  // team: its label
};
struct CardMetric {
    AccountMetric metric;
    void (*sample)(const Card&, const std::string& labels, Samples&);  // of team and resource
};

const std::array process_metrics{
    ProcessMetric{
        {"meterbox_account_build_info", gauge, "version", "The version that runs; always 1."},
        [](const ProcessFigures& p, Samples& out) { out.add(1, metric_label("version", p.version)); }},
    ProcessMetric{{"meterbox_account_start_time_seconds", gauge, "", "When the service started, since 1970."},
                  [](const ProcessFigures& p, Samples& out) { out.add_time(p.started_at); }},
    ProcessMetric{{"meterbox_account_commits", counter, "", "Transactions of the store that were committed."},
                  [](const ProcessFigures& p, Samples& out) { out.add_counter(p.commits); }},
    ProcessMetric{{"meterbox_account_commit_failures", counter, "", "Transactions of the store that failed."},
                  [](const ProcessFigures& p, Samples& out) { out.add_counter(p.commit_failures); }},
};

void add_each(const std::map<std::string, std::int64_t>& figures, std::string_view label,
              const std::string& team, Samples& out) {
    for (const auto& [name, figure] : figures) out.add(figure, team + ',' + metric_label(label, name));
}

const std::array team_metrics{
    TeamMetric{{"meterbox_account_agents", gauge, "team,state", "Agents of the team that are in the state."},
               [](const TeamFigures& t, const std::string& team, Samples& out) {
                   add_each(t.agents, "state", team, out);
               }},
    TeamMetric{{"meterbox_account_last_sync_timestamp_seconds", gauge, "team",
                "When one of the team's agents last synced, since 1970."},
               [](const TeamFigures& t, const std::string& team, Samples& out) {
                   out.add_time(t.last_sync_at, team);
               }},
    TeamMetric{{"meterbox_account_refused_messages", counter, "team",
                "Messages that no honest agent sends: refused, and kept as evidence."},
               [](const TeamFigures& t, const std::string& team, Samples& out) {
                   out.add(t.refused_messages, team);
               }},
    TeamMetric{{"meterbox_account_tickets", gauge, "team,resource", "Agents that wait for units."},
               [](const TeamFigures& t, const std::string& team, Samples& out) {
                   add_each(t.tickets, "resource", team, out);
               }},
    TeamMetric{{"meterbox_account_in_doubt_units", gauge, "team,resource",
                "Units of lost or fenced agents that nobody has decided on."},
               [](const TeamFigures& t, const std::string& team, Samples& out) {
                   add_each(t.in_doubt, "resource", team, out);
               }},
};

const std::array card_metrics{
    CardMetric{{"meterbox_account_resource_state", gauge, "team,resource,state",
                "1 for the state that the resource is in."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   for (const BalanceState state :
                        {BalanceState::ended, BalanceState::exhausted, BalanceState::low, BalanceState::ok})
                       out.add(card.state == state ? 1 : 0,
                               labels + ',' + metric_label("state", core::name_of(state)));
               }},
    CardMetric{{"meterbox_account_resource_available_units", gauge, "team,resource",
                "Units purchased that are neither charged nor in doubt; leased ones count as available."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add(card.available_units.value(), labels);
               }},
    CardMetric{{"meterbox_account_resource_purchased_units", gauge, "team,resource",
                "Units of the grants that are valid, without open pay as you go."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add(card.purchased_units.value(), labels);
               }},
    CardMetric{{"meterbox_account_resource_leased_units", gauge, "team,resource", "Units that agents hold."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add(card.leased_units.value(), labels);
               }},
    CardMetric{{"meterbox_account_resource_charged_units", gauge, "team,resource",
                "Units charged to grants that are valid; of a returnable resource, held."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add(card.charged_units.value(), labels);
               }},
    CardMetric{{"meterbox_account_resource_overage_units", gauge, "team,resource",
                "Completed units that no grant has covered yet."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add(card.overage_units.value(), labels);
               }},
    CardMetric{{"meterbox_account_resource_exhausts_timestamp_seconds", gauge, "team,resource",
                "When the resource is used up at the present rate, since 1970."},
               [](const Card& card, const std::string& labels, Samples& out) {
                   out.add_time(card.exhausts_at, labels);
               }},
};

// The heads of the two formats differ in a counter's name; samples of both have the suffix.
class Text {
public:
    explicit Text(bool openmetrics) : openmetrics_(openmetrics) {}

    template <class Write>
    void family(const AccountMetric& metric, Write write) {
        const std::string name(metric.name);
        const std::string samples = metric.type == counter ? name + "_total" : name;
        const std::string& head = openmetrics_ ? name : samples;
        std::string lines;
        Samples out(lines, samples);
        write(out);
        if (lines.empty()) return;
        text_ += "# HELP " + head + ' ' + std::string(metric.help) + "\n# TYPE " + head + ' ' +
                 std::string(metric.type) + '\n' + lines;
    }
    std::string end() && {
        if (openmetrics_) text_ += "# EOF\n";
        return std::move(text_);
    }

private:
    bool openmetrics_;
    std::string text_;
};

}  // namespace

std::vector<AccountMetric> account_metric_table() {
    std::vector<AccountMetric> table;
    for (const auto& row : process_metrics) table.push_back(row.metric);
    for (const auto& row : team_metrics) table.push_back(row.metric);
    for (const auto& row : card_metrics) table.push_back(row.metric);
    return table;
}

std::string account_metrics_text(const AccountFigures& figures, bool openmetrics) {
    Text text(openmetrics);
    for (const auto& row : process_metrics)
        text.family(row.metric, [&](Samples& out) {
            if (figures.process) row.sample(*figures.process, out);
        });
    for (const auto& row : team_metrics)
        text.family(row.metric, [&](Samples& out) {
            for (const TeamFigures& team : figures.teams)
                row.sample(team, metric_label("team", team.team), out);
        });
    for (const auto& row : card_metrics)
        text.family(row.metric, [&](Samples& out) {
            for (const TeamFigures& team : figures.teams)
                for (const Card& card : team.cards)
                    row.sample(
                        card, metric_label("team", team.team) + ',' + metric_label("resource", card.resource),
                        out);
        });
    return std::move(text).end();
}

}  // namespace meterbox::account
