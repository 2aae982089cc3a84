// The end of all sessions, when the agent retires.
#include <utility>

#include "agent/sessions.hpp"

namespace meterbox::agent {

core::Error Sessions::nothing_new() {
    return {core::ErrorCode::not_enrolled, "this agent is retiring: nothing new is begun", {}, {}};
}

void Sessions::drain() {
    if (std::exchange(draining_, true)) return;
    for (auto& [resource, group] : groups_)
        for (WaitingOrder& waiting : std::exchange(group.waiting, {})) waiting.done(nothing_new());
    const core::MonotonicTime now = time_.monotonic();
    std::vector<SessionSlice> slices;
    std::vector<Session*> holders;
    for (const auto& [id, session] : sessions_) {
        Group& group = groups_[session->record.resource];
        if (session->holds && !session->end_at) holders.push_back(session.get());
        if (session->runs()) slices.push_back(stop(*session, group, waiting_end(group, now)));
    }
    if (!slices.empty()) submit(std::move(slices), [](const core::Result<void>&) {});
    for (Session* holder : holders) finish(*holder, now);  // what it holds goes back with it
    for (auto& [resource, group] : groups_) group.zero_since.reset();
    arm();
}

bool Sessions::drained() {
    std::vector<Session*> confirmed;
    for (const auto& [id, session] : sessions_) {
        const bool told = session->record.stop_at && !session->awaited && !session->end_at;
        if (told && session->record.mark >= *session->record.stop_at) confirmed.push_back(session.get());
    }
    for (Session* session : confirmed) finish(*session, *session->record.stop_at);
    return sessions_.empty();
}

}  // namespace meterbox::agent
