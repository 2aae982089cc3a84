#include "agent/metrics.hpp"

#include <array>

#include "core/metric_samples.hpp"

namespace meterbox::agent {

namespace {

using core::BalanceState;
using core::Card;
using core::Measure;
using Snapshot = StatusSnapshot;
using Samples = core::MetricSamples;
using core::metric_label;

constexpr std::string_view gauge = "gauge";
constexpr std::string_view counter = "counter";

struct AgentMetric {
    MetricTraits traits;
    void (*sample)(const Snapshot&, Samples&);
};

struct CardMetric {
    MetricTraits traits;
    void (*sample)(const Card&, std::string_view resource, Samples&);  // resource: its label
};

std::int64_t truth(bool value) {
    return value ? 1 : 0;
}

const std::array agent_metrics{
    AgentMetric{
        {"meterbox_build_info", gauge, "version", "The version that runs; always 1."},
        [](const Snapshot& s, Samples& out) { out.add(1, metric_label("version", s.agent.version)); }},
    AgentMetric{{"meterbox_start_time_seconds", gauge, "", "When the agent started, since 1970."},
                [](const Snapshot& s, Samples& out) { out.add_time(s.agent.started_at); }},
    AgentMetric{{"meterbox_uptime_seconds", gauge, "", "How long the agent has been running."},
                [](const Snapshot& s, Samples& out) { out.add_seconds(s.agent.uptime_ms); }},
    AgentMetric{{"meterbox_enrolled", gauge, "", "1 while the agent's enrollment is good."},
                [](const Snapshot& s, Samples& out) {
                    out.add(truth(s.enrollment.state == EnrollmentState::enrolled));
                }},
    AgentMetric{{"meterbox_certificate_expiry_timestamp_seconds", gauge, "",
                 "When the agent's certificate expires, since 1970."},
                [](const Snapshot& s, Samples& out) { out.add_time(s.enrollment.certificate_expires_at); }},
    AgentMetric{
        {"meterbox_account_reachable", gauge, "", "1 when the last exchange with the account worked."},
        [](const Snapshot& s, Samples& out) { out.add(truth(s.account.reachable)); }},
    AgentMetric{
        {"meterbox_last_sync_timestamp_seconds", gauge, "", "When a sync last succeeded, since 1970."},
        [](const Snapshot& s, Samples& out) { out.add_time(s.account.last_sync_at); }},
    AgentMetric{{"meterbox_sync_consecutive_failures", gauge, "", "Syncs that failed since one succeeded."},
                [](const Snapshot& s, Samples& out) { out.add(s.account.consecutive_failures); }},
    AgentMetric{{"meterbox_syncs_total", counter, "", "Syncs that succeeded."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.syncs); }},
    AgentMetric{{"meterbox_sync_failures_total", counter, "", "Exchanges with the account that failed."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.sync_failures); }},
    AgentMetric{{"meterbox_pending_units", gauge, "",
                 "Completed units, charged or overage, that the account hasn't acknowledged yet."},
                [](const Snapshot& s, Samples& out) { out.add(s.pending.units); }},
    AgentMetric{
        {"meterbox_pending_usage_rows", gauge, "", "Rows of usage that the account hasn't acknowledged yet."},
        [](const Snapshot& s, Samples& out) { out.add(s.pending.usage_rows); }},
    AgentMetric{{"meterbox_journal_ok", gauge, "",
                 "1 while the journal is whole, trusted and has room; /status says what is wrong."},
                [](const Snapshot& s, Samples& out) { out.add(truth(s.journal.state == JournalState::ok)); }},
    AgentMetric{{"meterbox_journals_set_aside", gauge, "", "Damaged journals that are kept beside this one."},
                [](const Snapshot& s, Samples& out) {
                    out.add(static_cast<std::int64_t>(s.journal.set_aside.size()));
                }},
    AgentMetric{{"meterbox_journal_rows", gauge, "", "Rows in the journal."},
                [](const Snapshot& s, Samples& out) { out.add(s.journal.rows); }},
    AgentMetric{{"meterbox_journal_size_bytes", gauge, "", "The journal's size on disk."},
                [](const Snapshot& s, Samples& out) { out.add(s.journal.bytes); }},
    AgentMetric{{"meterbox_journal_budget_bytes", gauge, "", "What the journal may grow to."},
                [](const Snapshot& s, Samples& out) { out.add(s.journal.budget_bytes); }},
    AgentMetric{{"meterbox_journal_oldest_timestamp_seconds", gauge, "",
                 "When the oldest event in the journal was taken, since 1970."},
                [](const Snapshot& s, Samples& out) { out.add_time(s.journal.oldest); }},
    AgentMetric{{"meterbox_commits_total", counter, "", "Transactions of the journal that were committed."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.commits); }},
    AgentMetric{{"meterbox_commit_failures_total", counter, "", "Transactions of the journal that failed."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.commit_failures); }},
    AgentMetric{
        {"meterbox_clock_trusted", gauge, "", "1 when the time is the account's, heard since the boot."},
        [](const Snapshot& s, Samples& out) {
            out.add(truth(s.clock.state == core::ClockQuality::trusted));
        }},
    AgentMetric{{"meterbox_clock_offset_seconds", gauge, "", "The wall clock less the trusted time."},
                [](const Snapshot& s, Samples& out) {
                    if (s.clock.trusted_now) out.add_seconds(s.clock.wall_now - *s.clock.trusted_now);
                }},
    AgentMetric{{"meterbox_sessions_active", gauge, "", "Sessions that run."},
                [](const Snapshot& s, Samples& out) { out.add(s.sessions.active); }},
    AgentMetric{{"meterbox_reports_total", counter, "", "Requests that reported usage."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.reports); }},
    AgentMetric{{"meterbox_events_total", counter, "", "Events of usage that were taken."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.events); }},
    AgentMetric{{"meterbox_event_duplicates_total", counter, "", "Events that had been taken before."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.duplicates); }},
    AgentMetric{{"meterbox_requests_refused_total", counter, "", "Requests of products that were refused."},
                [](const Snapshot& s, Samples& out) { out.add_counter(s.counters.refused); }},
};

const std::array card_metrics{
    CardMetric{
        {"meterbox_resource_state", gauge, "resource,state", "1 for the state that the resource is in."},
        [](const Card& card, std::string_view resource, Samples& out) {
            for (const BalanceState state : {BalanceState::unknown, BalanceState::ended,
                                             BalanceState::exhausted, BalanceState::low, BalanceState::ok})
                out.add(truth(card.state == state),
                        std::string(resource) + ',' + metric_label("state", core::name_of(state)));
        }},
    CardMetric{{"meterbox_resource_available_units", gauge, "resource",
                "Units available to the team, less those completed here since it was heard."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   out.add(card.available_units.value(), resource);
               }},
    CardMetric{{"meterbox_resource_purchased_units", gauge, "resource", "Units that the team has purchased."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   out.add(card.purchased_units.value(), resource);
               }},
    CardMetric{{"meterbox_resource_leased_units", gauge, "resource",
                "Units that this agent can complete by itself."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   out.add(card.leased_units.value(), resource);
               }},
    CardMetric{{"meterbox_resource_charged_units", gauge, "resource", "Units charged to the team."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   out.add(card.charged_units.value(), resource);
               }},
    CardMetric{{"meterbox_resource_overage_units", gauge, "resource",
                "Units completed on this agent that no lease covers."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   out.add(card.overage_units.value(), resource);
               }},
    CardMetric{{"meterbox_resource_remainder_seconds", gauge, "resource",
                "Time metered on this agent that hasn't filled a unit."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   if (card.measure == Measure::duration) out.add_seconds(card.remainder.value(), resource);
               }},
    CardMetric{{"meterbox_resource_remainder_quantity", gauge, "resource",
                "Quantity metered on this agent that hasn't filled a unit."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   if (card.measure == Measure::count) out.add(card.remainder.value(), resource);
               }},
    CardMetric{{"meterbox_resource_exhausts_timestamp_seconds", gauge, "resource",
                "When the resource is used up at the present rate, since 1970."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   if (card.exhausts_at) out.add_time(card.exhausts_at, resource);
               }},
    CardMetric{{"meterbox_resource_as_of_timestamp_seconds", gauge, "resource",
                "When the team's balance was heard from the account, since 1970."},
               [](const Card& card, std::string_view resource, Samples& out) {
                   if (card.state != BalanceState::unknown) out.add_time(card.as_of, resource);
               }},
};

void begin(std::string& text, const MetricTraits& traits) {
    text += "# HELP ";
    text += traits.name;
    text += ' ';
    text += traits.help;
    text += "\n# TYPE ";
    text += traits.name;
    text += ' ';
    text += traits.type;
    text += '\n';
}

}  // namespace

std::vector<MetricTraits> metric_table() {
    std::vector<MetricTraits> table;
    for (const AgentMetric& metric : agent_metrics) table.push_back(metric.traits);
    for (const CardMetric& metric : card_metrics) table.push_back(metric.traits);
    return table;
}

std::string metrics_text(const StatusSnapshot& status) {
    std::string text;
    for (const AgentMetric& metric : agent_metrics) {
        begin(text, metric.traits);
        Samples samples{text, metric.traits.name};
        metric.sample(status, samples);
    }
    for (const CardMetric& metric : card_metrics) {
        begin(text, metric.traits);
        Samples samples{text, metric.traits.name};
        for (const Card& card : status.cards)
            metric.sample(card, metric_label("resource", card.resource), samples);
    }
    return text;
}

}  // namespace meterbox::agent
