// What products and admins are shown of sessions: those that run from memory, ended ones from the journal.
#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/sessions.hpp"
#include "core/forecast.hpp"

namespace meterbox::agent {

void Sessions::show(const std::string& id, Shown done) {
    Session* session = find(id);
    if (session == nullptr) return look_up(id, std::move(done));
    // What is stored of it may still be less than it ran.
    if (session->end_at) return session->enders.push_back(std::move(done));
    done(view(*session));
}

void Sessions::attach(const std::string& id, std::shared_ptr<platform::http::EventStream> stream) {
    Session* session = find(id);
    if (session == nullptr)  // it has ended meanwhile: its stream says so and closes
        return show(id, [stream](const core::Result<SessionView>& ended) {
            if (ended) stream->send("state", session_json(*ended));
            stream->close();
        });
    // Nobody hears that one.
    if (!stream->is_open() && session->stream && session->stream->is_open()) return;
    const std::shared_ptr<platform::http::EventStream> before =
        std::exchange(session->stream, std::move(stream));
    session->attachment = ++attachments_;
    if (before) before->close();
    session->stream->on_close([this, id, attachment = session->attachment] {
        Session* closed = find(id);
        if (shut_down_ || closed == nullptr || closed->attachment != attachment) return;
        closed->stream.reset();
        if (closed->end_at) return;
        consider(closed->record.resource,
                 groups_[closed->record.resource]);  // it may have been to stop before
        finish(*closed, time_.monotonic());
    });
    tell(*session);
    if (shut_down_) session->stream->close();  // it was begun as the agent stopped, and outlives it
}

void Sessions::look_up(const std::string& id, Shown done) {
    store_.read(journal_read(
        [this, id] { return journal_.tables().session(id); },
        [this, id, done = std::move(done)](std::optional<core::Result<std::optional<SessionRecord>>> found) {
            if (!found)
                return done(
                    core::Error{core::ErrorCode::storage, "the agent is stopping; try again", {}, {}});
            if (!*found) return done(found->error());
            if (!**found)
                return done(core::Error{core::ErrorCode::not_found, "no session \"" + id + "\"", {}, {}});
            done(view(***found));
        }));
}

std::vector<SessionView> Sessions::list() const {
    std::vector<SessionView> views;
    views.reserve(sessions_.size());
    for (const auto& [id, session] : sessions_)
        if (!session->end_at) views.push_back(view(*session));
    return views;
}

SessionView Sessions::view(const Session& session) const {
    SessionView shown = view(session.record);
    if (session.end_at) return shown;
    const core::MonotonicTime now = time_.monotonic();
    const std::string& resource = session.record.resource;
    const core::Standing balance = standing(resource);
    if (!session.holds)  // what is held is no usage
        shown.metered += core::Amount{std::max<std::int64_t>(0, reach(session, now) - session.record.mark)};
    shown.available = balance.available;
    const bool low = !session.holds && balance.state != core::BalanceState::ok;
    shown.state = session.record.stop_at ? SessionState::stop
                  : low                  ? SessionState::low
                                         : SessionState::active;
    const Balance* known = balances_.find(resource);
    const bool enforced = known != nullptr &&
                          known->ledger->resource().enforcement == core::Enforcement::hard &&
                          !known->ledger->holds_open_payg(time_.range());
    if (session.record.stop_at) shown.exhausts_in_ms = 0;
    if (session.runs() && enforced)
        shown.exhausts_in_ms =
            core::lease_lasts_ms(*known->ledger, known->supply, running(resource),
                                 core::Amount{count(resource) * core::hour_ms}, time_.range());
    return shown;
}

SessionView Sessions::view(const SessionRecord& record) const {
    SessionView shown;
    shown.id = record.id;
    shown.resource = record.resource;
    shown.subject = record.subject;
    shown.state = SessionState::ended;
    shown.started_at = record.started_at;
    shown.metered = record.metered;
    if (is_returnable(record.resource)) shown.quantity = record.quantity;
    shown.heartbeat_ms = settings_.heartbeat_ms;
    shown.as_of = time_.utc();
    shown.units_completed = record.units_completed;
    shown.remainder = record.remainder;
    return shown;
}

}  // namespace meterbox::agent
