// The products' socket: which path does what (docs/API.md). Parses at the edge, asks the meter and the
// sessions, and writes their answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "agent/balances.hpp"
#include "agent/meter.hpp"
#include "agent/sessions.hpp"
#include "config/agent_config.hpp"
#include "core/sync_plan.hpp"
#include "platform/http/server.hpp"
#include "platform/system/random.hpp"

namespace meterbox::agent {

class ProductRoutes final : public platform::http::Handler {
public:
    struct Surroundings {
        std::function<bool()> enrolled;
        // One sync for a resource that nobody here knows, at most one a minute; called when it ended, or
        // at once when there is none to wait for.
        std::function<void(std::function<void()>)> look_for_resource;
        // Why nobody here can know which resources there are; empty: the account has told.
        std::function<std::string()> no_catalogue;
    };

    ProductRoutes(AgentTime& time, Balances& balances, Meter& meter, Sessions& sessions,
                  platform::system::Random& random, std::vector<config::AllowRule> rules,
                  Surroundings surroundings);

    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

    std::uint64_t reports() const { return reports_; }
    std::uint64_t refused() const { return refused_; }

private:
    enum class AnswerForm { counts, empty };  // /v1/events, /api/v1/events

    void report(const platform::http::Request& request, platform::http::Responder responder, AnswerForm form);
    core::Result<std::vector<core::UsageEvent>> parse(const platform::http::Request& request,
                                                      bool& batch) const;
    void take(std::vector<core::UsageEvent> events, std::uint32_t uid, bool batch, AnswerForm form,
              platform::http::Responder responder);
    std::string counts_json(const ReportOutcome& outcome, const std::vector<std::string>& resources) const;
    const std::string& as_of() const;

    // then: once the account was asked which resources there are. Where too much waits for that already the
    // request is refused.
    void look_for_resource(const platform::http::Request& request, platform::http::Responder responder,
                           std::function<void(platform::http::Responder)> then);

    void open_session(const platform::http::Request& request, platform::http::Responder responder);
    void admit_session(SessionOrder order, std::int64_t quantity, platform::http::Responder responder);
    void session(const platform::http::Request& request, platform::http::Responder responder);
    void list_sessions(platform::http::Responder responder) const;
    void list_resources(platform::http::Responder responder) const;
    void resource(std::string_view key, platform::http::Responder responder) const;
    std::string resource_json(const std::string& key) const;
    core::Error unknown_resource(core::Error known_otherwise) const;
    core::Error unknown_resource(std::string_view member, const std::string& resource) const;
    void refuse(platform::http::Responder& responder, const core::Error& error, const std::string& resource);

    AgentTime& time_;
    Balances& balances_;
    Meter& meter_;
    Sessions& sessions_;
    platform::system::Random& random_;
    std::vector<config::AllowRule> rules_;
    Surroundings surroundings_;
    mutable std::string as_of_;         // the text of
    mutable core::UtcTime as_of_time_;  // this moment
    std::uint64_t reports_ = 0;
    std::uint64_t refused_ = 0;
    std::size_t looking_bytes_ = 0;  // of requests that wait until a resource was looked for
};

}  // namespace meterbox::agent
