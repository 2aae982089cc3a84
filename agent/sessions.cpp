// The life of a session: opened, kept alive, metered, ended. When it must stop is decided in
// session_enforcement.cpp; what is shown of it is in session_showing.cpp; what a start finds of those before
// it in session_restoring.cpp.
#include "agent/sessions.hpp"

#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "core/assert.hpp"

namespace meterbox::agent {

namespace {

core::Error error(core::ErrorCode code, std::string detail) {
    return {code, std::move(detail), {}, {}};
}

}  // namespace

Sessions::Sessions(platform::system::Timers& timers, AgentTime& time, Journal& journal,
                   platform::store::StoreThread& store, Balances& balances, SessionSettings settings, Ask ask,
                   Published published)
    : timer_(timers.make([this] { on_timer(); })),
      time_(time),
      journal_(journal),
      store_(store),
      balances_(balances),
      settings_(settings),
      ask_(std::move(ask)),
      published_(std::move(published)) {}

Sessions::Session* Sessions::find(const std::string& id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

void Sessions::run(Session& session) {
    Group& group = groups_[session.record.resource];
    session.place = group.running.size();
    group.running.push_back(&session);
    group.marks_ms += counted_from(session, group).ms;
}

void Sessions::halt(Session& session) {
    Group& group = groups_[session.record.resource];
    METERBOX_ASSERT(group.running[session.place] == &session);
    group.running[session.place] = group.running.back();
    group.running[session.place]->place = session.place;
    group.running.pop_back();
    group.marks_ms -= counted_from(session, group).ms;
}

// From when on what it runs, and isn't metered yet, counts towards units.
core::MonotonicTime Sessions::counted_from(const Session& session, const Group& group) const {
    return group.modes.counting_since(session.record.mark);
}

// Up to when a session's time is confirmed: by its connection now, by its last heartbeat otherwise.
core::MonotonicTime Sessions::reach(const Session& session, core::MonotonicTime now) const {
    if (session.awaited) return session.record.mark;
    core::MonotonicTime alive =
        session.record.keeping == SessionKeeping::connection ? now : session.confirmed;
    if (session.runs()) alive = std::min(alive, waiting_end(groups_.at(session.record.resource), now));
    return session.record.stop_at ? std::min(alive, *session.record.stop_at) : alive;
}

void Sessions::open(SessionOrder order, Opened done) {
    if (shut_down_) return done(error(core::ErrorCode::storage, "the agent is stopping; try again"));
    order.arrival = ++arrivals_;
    if (order.id.empty()) return admit(std::move(order), std::move(done));
    if (Session* session = find(order.id)) return reopen(*session, order, done);
    const std::string id = order.id;
    look_up(id, [this, order = std::move(order), done = std::move(done)](core::Result<SessionView> known) {
        if (shut_down_) return done(error(core::ErrorCode::storage, "the agent is stopping; try again"));
        if (known)
            return done(
                error(core::ErrorCode::conflict, "id: this session has ended; a new session needs a new id"));
        if (known.error().code != core::ErrorCode::not_found) return done(known.error());
        if (Session* session = find(order.id)) return reopen(*session, order, done);
        admit(order, done);
    });
}

void Sessions::reopen(Session& session, const SessionOrder& order, const Opened& done) {
    const SessionRecord& record = session.record;
    if (record.resource != order.resource)
        return done(error(core::ErrorCode::conflict, "id: this session runs on " + record.resource));
    if (record.uid != order.uid)
        return done(error(core::ErrorCode::conflict, "id: this session is another user's"));
    if (session.holds && record.quantity != order.quantity)
        return done(error(core::ErrorCode::conflict,
                          "id: this session holds " + std::to_string(record.quantity.value())));
    consider(record.resource, groups_[record.resource]);  // it may have been to stop before
    if (!session.end_at && is_silent(session)) finish(session, reach(session, session.confirmed));
    if (session.end_at)
        return done(
            error(core::ErrorCode::conflict, "id: this session has ended; a new session needs a new id"));
    if (order.arrival < session.asked_last) return done(OpenedSession{view(session), false, true});
    session.asked_last = order.arrival;
    session.record.keeping = order.keeping;
    if (order.keeping == SessionKeeping::heartbeat &&
        session.stream) {  // its end isn't the session's any more
        session.attachment = 0;
        std::exchange(session.stream, nullptr)->close();
    }
    session.confirmed = time_.monotonic();
    const bool confirms = std::exchange(session.awaited, false) || order.keeping == SessionKeeping::heartbeat;
    const core::MonotonicTime until = reach(session, session.confirmed);
    arm();
    if (!confirms || session.holds || until <= session.record.mark)
        return done(OpenedSession{view(session), false, false});
    // All that it ran while this agent was away, perhaps. Where it can't be stored the session goes on, and
    // the next checkpoint tries again.
    std::vector<SessionSlice> slices;
    slices.push_back(take_slice(session, until));
    submit(std::move(slices), [this, id = session.record.id, arrival = order.arrival,
                               done](const core::Result<void>&) {
        const Session* there = find(id);
        if (there != nullptr && !there->end_at)
            return done(OpenedSession{view(*there), false, there->asked_last != arrival});
        done(error(core::ErrorCode::conflict, "id: this session has ended; a new session needs a new id"));
    });
}

void Sessions::admit(SessionOrder order, Opened done) {
    if (draining_) return done(nothing_new());
    std::size_t waiting = 0;
    for (const auto& [resource, group] : groups_) waiting += group.waiting.size();
    if (sessions_.size() + waiting >= settings_.sessions_max)
        return done(error(core::ErrorCode::too_many,
                          "more than " + std::to_string(settings_.sessions_max) +
                              " sessions at once; end some, or raise [products] max_sessions"));
    Balance* balance = balances_.find(order.resource);
    METERBOX_ASSERT(balance != nullptr);
    if (is_returnable(order.resource)) return check_out(std::move(order), std::move(done));
    if (balance->supply.begin_cycle(time_.range())) balance->asked = false;
    if (admits(order.resource)) return begin(std::move(order), std::move(done));
    const core::MonotonicTime now = time_.monotonic();
    const auto just = [now](std::optional<core::MonotonicTime> at) {
        return at && now - *at < core::limits::exhaustion_ask_spacing_ms;
    };
    // A reserve that wasn't given, to who was idle, say, is no answer to a session's need.
    const core::Supply& supply = balance->supply;
    const bool refused = supply.refused && just(groups_[order.resource].refused_at);
    if (refused || (just(answered_at_) && (supply.final || !supply.reachable)))
        return done(refusal(order.resource));
    ask(core::SyncReason::asked);
    if (!balance->supply.reachable) return done(refusal(order.resource));
    const core::MonotonicTime deadline = now + core::limits::exhaustion_answer_ms;
    groups_[order.resource].waiting.push_back({std::move(order), std::move(done), deadline});
    arm();
}

void Sessions::begin(SessionOrder order, Opened done) {
    // The same id can have been asked for twice while the first one waited.
    if (Session* there = find(order.id)) return reopen(*there, order, done);
    const core::MonotonicTime now = time_.monotonic();
    auto session = std::make_unique<Session>();
    session->record.id = order.id;
    session->record.resource = order.resource;
    session->record.subject = order.subject;
    session->record.keeping = order.keeping;
    session->record.uid = order.uid;
    session->record.quantity = order.quantity;
    session->holds = is_returnable(order.resource);
    session->record.started_at = time_.utc();
    // Exact once it is stored; this is for a slice that is made before that is known.
    session->record.completed_at_start = balances_.find(order.resource)->ledger->completed();
    session->record.boot_id = time_.boot_id();
    session->record.mark = now;
    session->confirmed = now;
    session->asked_last = order.arrival;
    if (active() == 0) {
        next_checkpoint_ = now + settings_.checkpoint_ms;
        next_sweep_ = now + settings_.heartbeat_ms;
    }
    Session& added = *session;
    sessions_[order.id] = std::move(session);
    if (added.holds) {
        groups_[order.resource].held += order.quantity;
    } else {
        run(added);
    }
    SessionSlice slice{added.record, {}, true, false};
    std::vector<SessionSlice> slices{std::move(slice)};
    submit(std::move(slices), [this, id = order.id, arrival = order.arrival,
                               done = std::move(done)](const core::Result<void>& committed) {
        Session* begun = find(id);
        METERBOX_ASSERT(begun != nullptr);
        if (committed) return done(OpenedSession{view(*begun), true, begun->asked_last != arrival});
        not_begun(id);
        done(committed.error());
    });
    consider(order.resource, groups_[order.resource]);
    arm();
}

// Its first commit failed. What was submitted for it meanwhile may yet be stored: then it ends properly.
void Sessions::not_begun(const std::string& id) {
    Session& session = *find(id);
    if (session.ending) return;
    if (session.submitted > 0) return finish(session, session.record.mark);
    if (session.runs()) halt(session);
    if (session.holds) let_go(session.record);
    sessions_.erase(id);
}

void Sessions::heartbeat(const std::string& id, std::uint32_t uid, Shown done) {
    Session* session = find(id);
    if (session == nullptr) return look_up(id, std::move(done));
    if (session->record.uid != uid)
        return done(error(core::ErrorCode::forbidden, "this session is another user's"));
    if (session->end_at) return session->enders.push_back(std::move(done));
    consider(session->record.resource, groups_[session->record.resource]);  // it may have been to stop before
    if (is_silent(*session)) {                                              // it comes too late
        session->enders.push_back(std::move(done));
        return finish(*session, reach(*session, session->confirmed));
    }
    if (session->awaited) session->record.keeping = SessionKeeping::heartbeat;
    session->awaited = false;
    session->confirmed = time_.monotonic();
    const core::MonotonicTime until = reach(*session, session->confirmed);
    if (session->holds || until <= session->record.mark) return done(view(*session));
    std::vector<SessionSlice> slices;
    slices.push_back(take_slice(*session, until));
    submit(std::move(slices), [this, id, done = std::move(done)](const core::Result<void>& committed) {
        if (!committed) return done(committed.error());
        if (Session* shown = find(id)) return done(view(*shown));
        look_up(id, done);
    });
    arm();
}

void Sessions::end(const std::string& id, std::uint32_t uid, Shown done, std::optional<core::Amount> ran) {
    Session* session = find(id);
    if (session == nullptr) return look_up(id, std::move(done));
    if (session->record.uid != uid)
        return done(error(core::ErrorCode::forbidden, "this session is another user's"));
    session->enders.push_back(std::move(done));
    if (session->end_at) return;
    consider(session->record.resource, groups_[session->record.resource]);
    if (is_silent(*session)) return finish(*session, reach(*session, session->confirmed));
    const core::MonotonicTime now = time_.monotonic();
    const SessionRecord& record = session->record;
    // The mark is where it began and what was metered since.
    const core::MonotonicTime until = ran ? record.mark + (*ran - record.metered).value() : now;
    finish(*session, std::max(record.mark, std::min(until, now)));
}

void Sessions::submit(std::vector<SessionSlice> slices, std::function<void(const core::Result<void>&)> done) {
    const std::size_t weight = slices.size();
    for (const SessionSlice& slice : slices) ++find(slice.record.id)->submitted;
    // In shared hands: a transaction that couldn't even begin has applied nothing, and gives nothing back.
    const auto shared = std::make_shared<std::vector<SessionSlice>>(std::move(slices));
    store_.submit(journal_job(
        [this, shared, now = time_.journal_now()] {
            for (SessionSlice& slice : *shared) journal_.meter(slice, now);
            return true;
        },
        [this, shared, done = std::move(done)](const core::Result<void>& committed, std::optional<bool>) {
            const std::vector<std::string> changed = balances_.publish(journal_.take_publications());
            for (const SessionSlice& slice : *shared) {
                Session* session = find(slice.record.id);
                if (session != nullptr) --session->submitted;
                if (!committed) {
                    take_back(slice);
                } else if (session != nullptr) {
                    session->stop_stored = slice.record.stop_at.has_value();
                    session->record.completed_at_start = slice.record.completed_at_start;
                    session->record.units_completed = slice.record.units_completed;
                    session->record.remainder = slice.record.remainder;
                }
            }
            published_(changed);
            done(committed);
        },
        weight));
}

void Sessions::finish(Session& session, core::MonotonicTime until) {
    Group& group = groups_[session.record.resource];
    if (session.runs()) {
        until = std::max(session.record.mark, std::min(until, waiting_end(group, until)));
        halt(session);
        // It holds what it ran until that is stored, however often storing it fails.
        session.record.stop_at = until;
        group.held_ms += group.modes.counted(session.record.mark, until, group.counts).value();
    }
    session.end_at = until;
    session.ending = true;
    std::optional<core::MonotonicTime>& stop_at = session.record.stop_at;
    if (stop_at) {  // what it held and nobody confirmed is free again
        const core::MonotonicTime last = std::max(std::min(until, *stop_at), session.record.mark);
        group.held_ms -= group.modes.counted(last, *stop_at, group.counts).value();
        stop_at = last;
    }
    SessionSlice slice = take_slice(session, stop_at.value_or(until));
    session.record.ended_at = time_.utc() + -(time_.monotonic() - until);
    // Of an earlier boot: at its last checkpoint, by what it had run until then.
    if (session.record.boot_id != time_.boot_id())
        session.record.ended_at = session.record.started_at + session.record.metered.value();
    slice.record.ended_at = session.record.ended_at;
    slice.ends = true;
    std::vector<SessionSlice> slices;
    slices.push_back(std::move(slice));
    submit(std::move(slices),
           [this, id = session.record.id](const core::Result<void>& committed) { finished(id, committed); });
    arm();
}

void Sessions::finished(const std::string& id, const core::Result<void>& committed) {
    Session* session = find(id);
    METERBOX_ASSERT(session != nullptr);
    session->ending = false;
    // A slice before the last one was not stored: its time was taken back, and goes with another last one.
    const core::MonotonicTime last = session->record.stop_at.value_or(*session->end_at);
    if (committed && session->record.mark < last) return finish(*session, *session->end_at);
    const std::vector<Shown> enders = std::exchange(session->enders, {});
    if (!committed) {  // the sweep tries again
        session->retry_at = time_.monotonic() + core::limits::session_retry_ms;
        next_sweep_ = std::min(next_sweep_, session->retry_at);
        for (const Shown& ender : enders) ender(committed.error());
        return arm();
    }
    const SessionView ended = view(session->record);
    tell(*session);
    if (session->stream) session->stream->close();
    const std::string resource = session->record.resource;
    const bool held = session->holds;
    if (held) let_go(session->record);
    sessions_.erase(id);
    if (held) consider(resource, groups_[resource]);
    for (const Shown& ender : enders) ender(ended);
}

void Sessions::checkpoint() {
    const core::MonotonicTime now = time_.monotonic();
    note_hour();
    std::vector<SessionSlice> slices;
    for (const auto& [id, session] : sessions_) {
        // One that was told to stop goes again until that is stored: it would run on after a restart.
        const core::MonotonicTime until = std::max(session->record.mark, reach(*session, now));
        const bool stop_is_due = session->record.stop_at && !session->end_at && session->submitted == 0 &&
                                 (!session->stop_stored || until > session->record.mark);
        if (!session->runs() && !stop_is_due) continue;
        if (until > session->record.mark || stop_is_due) slices.push_back(take_slice(*session, until));
    }
    last_checkpoint_ = now;
    next_checkpoint_ = now + settings_.checkpoint_ms;
    if (slices.empty()) return;
    checkpointing_ = true;
    submit(std::move(slices), [this](const core::Result<void>&) {
        checkpointing_ = false;
        arm();
    });
}

void Sessions::shut_down() {
    if (shut_down_) return;
    reconsider_all();
    checkpoint();
    shut_down_ = true;
    timer_->cancel();
    for (const auto& [id, session] : sessions_)
        if (session->stream) session->stream->close();
    for (auto& [resource, group] : groups_) {
        for (WaitingOrder& waiting : group.waiting)
            waiting.done(error(core::ErrorCode::storage, "the agent is stopping; try again"));
        group.waiting.clear();
    }
}

}  // namespace meterbox::agent
