// From a query to a report, slice by slice.
#include "account/usage_service.hpp"

#include <boost/json.hpp>
#include <memory>

#include "account/admin_answers.hpp"
#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "account/usage_report.hpp"

namespace meterbox::account {

using core::ErrorCode;
namespace http = platform::http;

namespace {

struct Query {
    std::string from;
    std::string to;
    std::string by;
    std::string resource;
    std::string agent;
    bool csv = false;
};

bool wants_csv(const http::Request& request) {
    const std::string_view accepted = request.header("Accept").value_or("");
    return accepted.find("text/csv") != std::string_view::npos &&
           accepted.find("application/json") == std::string_view::npos;
}

class UsageAnswer {
public:
    UsageAnswer(Credential credential, std::string team, Query query)
        : credential_(std::move(credential)), team_(std::move(team)), query_(std::move(query)) {}

    // None: there is more to add up.
    std::optional<http::Response> work(Store& store, const std::function<bool()>& over) {
        if (!report_) {
            if (auto refused_answer = begin(store)) return refused_answer;
        }
        if (report_->add_up(store.database(), over)) return std::nullopt;
        if (report_->is_too_fine()) return refused(ErrorCode::invalid, report_->too_fine());
        if (report_->is_too_long()) {
            return refused(ErrorCode::invalid,
                           "too many rows: ask for a shorter time, for one resource or agent, or by=month");
        }
        if (query_.csv) return text_answer("text/csv; charset=utf-8", usage_to_csv(report_->rows()));
        return json_answer(usage_to_json(team_, report_->as_of(), report_->rows()));
    }

private:
    std::optional<http::Response> begin(Store& store) {
        if (auto answer = refusal(store, credential_, team_)) return answer;
        const core::UtcTime now = store.now();
        const auto by = period_from(query_.by.empty() ? "day" : query_.by);
        const auto from =
            query_.from.empty() ? start_of_period(now, Period::month) : parse_time(query_.from, "UTC");
        const auto to = query_.to.empty() ? now + 1 : parse_time(query_.to, "UTC");
        if (!by) return refused(ErrorCode::invalid, "by: hour, day or month");
        if (!from || !to)
            return refused(ErrorCode::invalid, "from, to: a date, or a time like 2026-07-15T00:00:00Z");
        if (*to < *from) return refused(ErrorCode::invalid, "to is before from");
        if (!query_.resource.empty() && !find_resource(store.database(), query_.resource))
            return refused(ErrorCode::invalid, "resource: there is no " + query_.resource);
        if (!query_.agent.empty() && !has_agent(store.database(), team_, query_.agent))
            return refused(ErrorCode::not_found, "agent: team " + team_ + " has no " + query_.agent);
        report_.emplace(UsageQuestion{team_, *from, *to, *by, query_.resource, query_.agent,
                                      detail_kept_from(now, store.settings().keep_usage_ms)},
                        now);
        return std::nullopt;
    }

    Credential credential_;
    std::string team_;
    Query query_;
    std::optional<UsageReport> report_;
};

}  // namespace

void answer_usage(StoreJobs& jobs, Credential credential, std::string team, const http::Request& request,
                  http::Responder responder) {
    if (const auto problem = request.query_problem({"from", "to", "by", "resource", "agent"}))
        return responder.send(refused(ErrorCode::invalid, *problem));
    const auto asked = [&request](std::string_view name) { return request.query(name).value_or(""); };
    const Query query{asked("from"),     asked("to"),    asked("by"),
                      asked("resource"), asked("agent"), wants_csv(request)};
    auto answer = std::make_shared<UsageAnswer>(std::move(credential), std::move(team), query);
    jobs.submit_long(std::move(responder), [answer](Store& store, const std::function<bool()>& over) {
        return answer->work(store, over);
    });
}

}  // namespace meterbox::account
