// From tables to figures.
#include "account/metrics_service.hpp"

#include <memory>

#include "account/admin_answers.hpp"
#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/outlook.hpp"
#include "account/pool.hpp"
#include "account/team_cards.hpp"

namespace meterbox::account {

namespace http = platform::http;

namespace {

// As the tables have it: looking at figures begins no cycle and ends no grant.
TeamFigures figures_of(Store& store, const std::string& team) {
    Database& database = store.database();
    TeamFigures figures;
    figures.team = team;
    Pool pool(database, team);
    figures.cards = team_cards(pool, load_catalogue(database), store.settings(), store.now());
    set_exhausts_at(database, pool, figures.cards, store.now());
    for (const Agent& agent : list_agents(database, team)) {
        ++figures.agents[std::string(shown_state(agent))];
        if (agent.last_sync_at)
            figures.last_sync_at =
                std::max(figures.last_sync_at.value_or(*agent.last_sync_at), *agent.last_sync_at);
    }
    database.each(
        "SELECT resource, sum(in_doubt) FROM tranche WHERE team = ? AND in_doubt > 0 AND resource <> '' "
        "GROUP BY "
        "resource",
        [&](auto& row) { figures.in_doubt[row.string(0)] = row.integer(1); }, team);
    database.each(
        "SELECT resource, count(*) FROM ticket WHERE team = ? GROUP BY resource",
        [&](auto& row) { figures.tickets[row.string(0)] = row.integer(1); }, team);
    for (const Evidence& evidence : list_evidence(database, team))
        if (evidence.judgement == Judgement::refused) figures.refused_messages += evidence.times;
    return figures;
}

class MetricsAnswer {
public:
    MetricsAnswer(Credential credential, bool openmetrics, platform::store::StoreStatistics statistics)
        : credential_(std::move(credential)), openmetrics_(openmetrics), statistics_(statistics) {}

    // None: there are more teams.
    std::optional<http::Response> work(Store& store, const std::function<bool()>& over) {
        if (!begun_) {
            if (auto refused_answer = begin(store)) return refused_answer;
        }
        while (next_ < teams_.size()) {
            if (over()) return std::nullopt;
            figures_.teams.push_back(figures_of(store, teams_[next_++]));
        }
        return text_answer(openmetrics_ ? openmetrics_type : prometheus_type,
                           account_metrics_text(figures_, openmetrics_));
    }

private:
    std::optional<http::Response> begin(Store& store) {
        const auto access = access_of(store, credential_);
        if (!access) return unauthenticated(access.error());
        begun_ = true;
        if (!access->team) {
            figures_.process = ProcessFigures{METERBOX_VERSION, store.opened_at(), statistics_.commits,
                                              statistics_.failed_commits};
        }
        store.database().each(
            "SELECT key FROM team WHERE key = coalesce(?, key) ORDER BY key",
            [&](auto& row) { teams_.push_back(row.string(0)); }, access->team);
        return std::nullopt;
    }

    Credential credential_;
    bool openmetrics_;
    platform::store::StoreStatistics statistics_;
    bool begun_ = false;
    std::vector<std::string> teams_;
    std::size_t next_ = 0;
    AccountFigures figures_;
};

}  // namespace

void answer_metrics(StoreJobs& jobs, Credential credential, const http::Request& request,
                    http::Responder responder) {
    const bool openmetrics =
        request.header("Accept").value_or("").find("application/openmetrics-text") != std::string_view::npos;
    auto answer = std::make_shared<MetricsAnswer>(std::move(credential), openmetrics, jobs.statistics());
    jobs.submit_long(std::move(responder), [answer](Store& store, const std::function<bool()>& over) {
        return answer->work(store, over);
    });
}

}  // namespace meterbox::account
