// What products ask of an agent, as through its socket.
#include <memory>
#include <utility>

#include "tests/sim/sim_agent.hpp"

namespace meterbox::sim {

namespace {
constexpr std::uint32_t uid = 1'000;
}  // namespace

template <class Answer>
auto SimAgent::while_running(Answer answer) {
    return [this, run = run_, answer = std::move(answer)](const auto& outcome) {
        if (run == run_ && disk_.powered()) answer(outcome);
    };
}

bool SimAgent::report(std::vector<core::UsageEvent> events, agent::Meter::Done done) {
    return call([&] {
        if (world_.plan.canary == Canary::early_answer) {
            done(agent::ReportOutcome{static_cast<std::int64_t>(events.size()), 0});
            done = [](const auto&) {};
        }
        process_->meter.report(std::move(events), uid, while_running(std::move(done)));
    });
}

bool SimAgent::open(const agent::SessionOrder& order, agent::Sessions::Opened done) {
    return call([&] {
        if (process_->balances.find(order.resource) == nullptr)
            return done(core::Error{core::ErrorCode::invalid, "no such resource", {}, {}});
        agent::SessionOrder asked = order;
        asked.uid = uid;
        process_->sessions.open(asked, while_running(std::move(done)));
    });
}

bool SimAgent::heartbeat(const std::string& session, agent::Sessions::Shown done) {
    return call([&] { process_->sessions.heartbeat(session, uid, while_running(std::move(done))); });
}
bool SimAgent::end(const std::string& session, agent::Sessions::Shown done, std::optional<core::Amount> ran) {
    return call([&] { process_->sessions.end(session, uid, while_running(std::move(done)), ran); });
}
bool SimAgent::show(const std::string& session, agent::Sessions::Shown done) {
    return call([&] { process_->sessions.show(session, while_running(std::move(done))); });
}
bool SimAgent::disconnect(const std::string& session) {
    return call([&] {
        std::weak_ptr<platform::http::Conversation> gone;
        process_->sessions.attach(session,
                                  std::make_shared<platform::http::EventStream>(gone, process_->loop));
    });
}

}  // namespace meterbox::sim
