#include "tests/sim/products.hpp"

#include <algorithm>
#include <utility>

namespace meterbox::sim {

namespace {

constexpr std::int64_t retry_ms = 20'000;

}  // namespace

Products::Products(World& world, SimAgent& machine, std::size_t index)
    : world_(world),
      machine_(machine),
      dice_(world.dice("products", static_cast<std::int64_t>(index))),
      prefix_("p" + std::to_string(index) + "-") {}

// An answer that is lost between the agent and its product, or a product that falls before it reads it.
bool Products::hears_nothing() {
    if (!world_.faults || !dice_.chance(world_.plan.product_answer_lost)) return false;
    world_.tally.fault("product: answer lost");
    return true;
}

// Whoever has stopped does nothing more, and hears nothing.
void Products::after(std::int64_t ms, std::function<void()> then) {
    world_.schedule.after(ms, [this, then = std::move(then)] {
        if (!stopped_) then();
    });
}

void Products::rest() {
    const std::int64_t busy_ms = dice_.spread(core::minute_ms, 4 * core::hour_ms);
    const std::int64_t quiet_ms = busy_ms * (1'000 - world_.plan.busy_per_mille) / world_.plan.busy_per_mille;
    after(dice_.between(1, 2 * quiet_ms), [this, busy_ms] {
        if (world_.faults) work(world_.now() + busy_ms);
    });
}

void Products::work(core::UtcTime until) {
    if (!world_.faults) return;
    if (world_.now() >= until) return rest();
    if (dice_.chance(700)) {
        report();
    } else {
        open_session();
    }
    after(dice_.spread(5'000, 900'000), [this, until] { work(until); });
}

void Products::report() {
    std::vector<std::string> ids;
    const std::int64_t count = dice_.spread(1, 8);
    for (std::int64_t i = 0; i < count; ++i) {
        const core::Resource& resource = world_.plan.resources[dice_.chance(500) ? 0 : 1];
        ReportedEvent event;
        event.resource = resource.key;
        event.subject = dice_.chance(500) ? "" : "s" + std::to_string(dice_.between(1, 3));
        const std::int64_t unit = resource.unit_size.value();
        event.amount = dice_.chance(100) ? dice_.spread(0, unit * 4) : dice_.between(0, unit / 4);
        if (dice_.chance(300)) event.time = world_.now() + -dice_.even(1, 6 * core::hour_ms);
        ids.push_back(prefix_ + "e" + std::to_string(++numbered_));
        book_.events.emplace(ids.back(), event);
    }
    send(ids, 1);
}

void Products::note_mode(const std::vector<std::string>& ids) {
    if (!machine_.up()) return;
    for (const std::string& id : ids) {
        ReportedEvent& event = book_.events.at(id);
        if (event.acknowledged) continue;
        const bool counts = core::counts(machine_.mode_of(event.resource));
        event.may_count = event.may_count || counts;
        event.may_not_count = event.may_not_count || !counts;
    }
}

void Products::send(const std::vector<std::string>& ids, int attempt) {
    note_mode(ids);
    std::vector<core::UsageEvent> events;
    bool known = true;  // each was acknowledged before
    for (const std::string& id : ids) {
        const ReportedEvent& said = book_.events.at(id);
        core::UsageEvent event;
        event.source = "/product";
        event.id = id;
        event.type = said.resource;
        event.subject = said.subject;
        event.amount = core::Amount{said.amount};
        for (const core::Resource& resource : world_.plan.resources)
            if (resource.key == said.resource) event.measure = resource.measure;
        event.time = said.time;
        if (said.time) event.time_as_sent = core::format_rfc3339(*said.time);
        known = known && said.acknowledged;
        events.push_back(std::move(event));
    }
    machine_.report(std::move(events), [this, ids, attempt, known](const auto& outcome) {
        answered(ids, attempt, known, outcome);
    });
    if (known) return;
    after(retry_ms, [this, ids, attempt] {
        if (machine_.up() && machine_.sealed()) return;  // it will never be taken
        if (!book_.events.at(ids.front()).acknowledged) send(ids, attempt + 1);
    });
}

void Products::answered(const std::vector<std::string>& ids, int attempt, bool known,
                        const core::Result<agent::ReportOutcome>& outcome) {
    if (!outcome) {
        if (outcome.error().code == core::ErrorCode::storage)
            world_.tally.saw("report refused: disk full");
        else
            world_.tally.saw("report refused: " + std::string(core::traits(outcome.error().code).name));
        return;
    }
    note_mode(ids);
    const auto count = static_cast<std::int64_t>(ids.size());
    require(outcome->accepted + outcome->duplicates == count, "each event is accepted or a duplicate");
    require(outcome->accepted == 0 || outcome->duplicates == 0, "a report is taken whole or not at all");
    const bool there = std::ranges::none_of(
        ids, [this](const std::string& id) { return machine_.lost(book_.events.at(id).acknowledged_at); });
    if (known && there)
        require(outcome->duplicates == count, "what was acknowledged is a duplicate ever after (I10)");
    if (attempt == 1 && !known) require(outcome->accepted == count, "what is new is accepted");
    if (outcome->duplicates > 0) world_.tally.saw("report answered as duplicate");
    if (hears_nothing()) return;
    for (const std::string& id : ids) {
        book_.events.at(id).acknowledged = true;
        book_.events.at(id).acknowledged_at = world_.now();
    }
    if (!known && dice_.chance(50)) after(dice_.spread(1, core::hour_ms), [this, ids] { send(ids, 2); });
}

void Products::open_session() {
    const std::string id = prefix_ + "s" + std::to_string(++numbered_);
    KnownSession session;
    session.holds = dice_.chance(world_.plan.held_per_mille);
    session.resource = session.holds ? "seats" : "render";
    if (session.holds) session.quantity = dice_.spread(1, world_.plan.held_at_most);
    session.by_connection = dice_.chance(500);
    session.asked_at = machine_.clock().monotonic_now();
    session.boot = machine_.boots();
    session.run = machine_.run();
    session.restores = machine_.restores();
    book_.sessions.emplace(id, session);
    ask(id, dice_.spread(dice_.chance(500) ? 1'000 : core::minute_ms * 5, 6 * core::hour_ms));
}

void Products::ask(const std::string& id, std::int64_t runs_ms) {
    KnownSession& session = book_.sessions.at(id);
    agent::SessionOrder order;
    order.id = id;
    order.resource = session.resource;
    order.subject = id;
    order.quantity = core::Units{session.quantity};
    order.keeping =
        session.by_connection ? agent::SessionKeeping::connection : agent::SessionKeeping::heartbeat;
    const core::UtcTime asked = world_.now();
    const core::MonotonicTime asked_at = machine_.clock().monotonic_now();
    const bool first = !session.began;
    const bool out_of_reach = machine_.answers() && machine_.out_of_reach(session.resource);
    const bool listens = machine_.open(order, [=, this](const core::Result<agent::OpenedSession>& opened) {
        KnownSession& it = book_.sessions.at(id);
        if (!opened) {
            if (opened.error().code == core::ErrorCode::exhausted)
                refused(it, opened.error(), machine_.clock().monotonic_now() - asked_at, out_of_reach);
            if (!it.began) it.gone = true;
            return;
        }
        if (hears_nothing()) {
            if (!it.by_connection) return ask_again(id, runs_ms);
            it.gone = true;
            return hang_up(id);
        }
        if (!opened->fresh && !first && it.run != machine_.run()) {
            world_.tally.saw("session resumed after a restart");
            it.run = machine_.run();
        }
        const bool at_once = opened->fresh && world_.plan.commit_ms == 0;
        if (at_once && !it.holds && machine_.mode_of(it.resource) == core::Enforcement::hard)
            require(machine_.sessions().standing(it.resource).available > core::Amount{},
                    "I6: whoever begins has a unit to run on: " + id);
        if (it.began) return;
        it.began = true;
        it.run = machine_.run();  // it may have asked more than one of them
        it.restores = machine_.restores();
        it.began_at = machine_.clock().monotonic_now();
        world_.tally.saw(it.holds ? "checkout held" : "session began");
        if (it.holds && opened->fresh && world_.now() == asked && !machine_.link().reachable())
            world_.tally.saw("checkout handed out offline");
        it.at_once = opened->fresh && world_.now() == asked;
        if (it.at_once) it.asked_at = machine_.clock().monotonic_now();
        if (opened->fresh && world_.now() != asked) world_.tally.saw("session began after waiting");
        keep(id, world_.now() + runs_ms);
    });
    if (!listens && !session.began) ask_again(id, runs_ms);
}

void Products::refused(const KnownSession& session, const core::Error& why, std::int64_t waited_ms,
                       bool out_of_reach) {
    // An id is looked for in the journal first, behind what is under way there and a commit.
    const std::int64_t answer_ms = out_of_reach ? 0 : core::limits::exhaustion_answer_ms;
    require(waited_ms <= answer_ms + 6 * world_.plan.commit_ms,
            "I20: at 0 the answer is no, at once or once the account had its time: " +
                std::to_string(waited_ms) + (out_of_reach ? " out of reach" : ""));
    world_.tally.saw(session.holds ? "checkout refused" : "session refused at 0");
    if (session.holds) return;
    require(machine_.mode_of(session.resource) == core::Enforcement::hard, "R7: hard alone refuses");
    const core::Standing standing = machine_.sessions().standing(session.resource);
    require(why.detail.find("cure") != std::string::npos, "a refusal says what will cure it");
    if (!standing.reason.empty()) world_.tally.saw("session refused: " + std::string(standing.reason));
}

void Products::ask_again(const std::string& id, std::int64_t runs_ms) {
    after(1'000, [this, id, runs_ms] { ask(id, runs_ms); });
}

// The connection that kept it ends: the agent sees that, or isn't there any more.
void Products::hang_up(const std::string& id) {
    if (machine_.disconnect(id)) return;
    after(1'000, [this, id] { hang_up(id); });
}

// Looks after it until it is time to end: by heartbeats, or over its connection.
void Products::keep(const std::string& id, core::UtcTime until) {
    const KnownSession& session = book_.sessions.at(id);
    if (session.metered || session.gone) return;
    if (world_.now() >= until || !world_.faults) return end(id);
    if (world_.faults && dice_.chance(3)) {
        book_.sessions.at(id).gone = true;
        book_.sessions.at(id).gone_at = machine_.clock().monotonic_now();
        world_.tally.fault("product: gone without a word");
        if (session.by_connection) hang_up(id);
        after(2 * core::limits::heartbeat_default_ms, [this, id] { look_back(id); });
        return;
    }
    beat(id, until);
    const std::int64_t wait = std::min(until - world_.now(), dice_.between(5'000, 25'000));
    after(wait, [this, id, until] { keep(id, until); });
}

void Products::beat(const std::string& id, core::UtcTime until) {
    KnownSession& session = book_.sessions.at(id);
    if (session.restores != machine_.restores()) {  // its agent may not know of it any more
        session.gone = true;
        return;
    }
    if (session.run != machine_.run() && machine_.answers()) {  // it was restarted: come back, or not at all
        if (dice_.chance(700)) return ask(id, until - world_.now());
        session.gone = true;
        return;
    }
    const auto heard = [this, id](const core::Result<agent::SessionView>& shown) {
        KnownSession& it = book_.sessions.at(id);
        if (!shown) return;
        if (shown->state == agent::SessionState::ended) return note_end(id, *shown, false);
        if (shown->state != agent::SessionState::stop || it.told_to_stop) return;
        require(!it.holds, id + ": what is held stays held (R10)");
        it.told_to_stop = true;
        const bool never_hard = !machine_.retiring() && !world_.plan.modes_change() &&
                                machine_.mode_of(it.resource) != core::Enforcement::hard;
        require(!never_hard, "R7: hard alone stops");
        world_.tally.saw("session stopped");
        if (!machine_.link().reachable()) world_.tally.saw("session stopped offline");
        after(dice_.spread(1, 60'000), [this, id] { end(id); });
    };
    if (session.by_connection) {
        machine_.show(id, heard);
    } else {
        machine_.heartbeat(id, heard);
    }
}

// It gave no sign of life for long: its session is over, whoever asks.
void Products::look_back(const std::string& id) {
    const std::uint64_t run = machine_.run();
    machine_.show(id, [this, id, run](const core::Result<agent::SessionView>& shown) {
        KnownSession& session = book_.sessions.at(id);
        if (!shown || session.run != run) return;
        if (shown->state == agent::SessionState::ended) return note_end(id, *shown, false);
        const std::int64_t silent_ms = machine_.clock().monotonic_now() - session.gone_at;
        require(silent_ms < core::limits::heartbeat_default_ms + 2'000,
                id + " has ended, for it gave no sign of life");
    });
}

void Products::end(const std::string& id) {
    if (machine_.suspended()) {  // with it, whatever runs on it
        after(retry_ms, [this, id] { end(id); });
        return;
    }
    KnownSession& session = book_.sessions.at(id);
    session.gone = session.gone || session.restores != machine_.restores();
    if (session.metered || session.gone) return;
    session.ended_before = std::exchange(session.end_asked, true);
    if (!session.ended_before) session.ran_ms = machine_.clock().monotonic_now() - session.asked_at;
    std::optional<core::Amount> ran;
    if (session.boot == machine_.boots()) ran = core::Amount{session.ran_ms};
    // A session that runs is shown at once: a last look, for what was metered of it is exact unless it was
    // told to stop.
    machine_.show(id, [&session](const core::Result<agent::SessionView>& shown) {
        const bool runs = shown && shown->state != agent::SessionState::stop;
        if (!runs || shown->available == core::Amount{}) session.told_to_stop = true;
    });
    if (machine_.up() && machine_.retiring()) session.told_to_stop = true;
    const auto ended = [this, id, asked = world_.now()](const core::Result<agent::SessionView>& shown) {
        if (!shown || hears_nothing()) return;
        note_end(id, *shown, world_.now() == asked);
    };
    machine_.end(id, ended, ran);
    after(retry_ms, [this, id] { end(id); });
}

void Products::note_end(const std::string& id, const agent::SessionView& view, bool ended_now) {
    KnownSession& session = book_.sessions.at(id);
    if (view.state != agent::SessionState::ended || session.metered) return;
    session.metered = view.metered.value();
    session.told_at = world_.now();
    if (session.boot != machine_.boots()) {
        world_.tally.saw("session ended by a reboot");
    } else if (!ended_now && !session.told_to_stop) {
        world_.tally.saw("session ended without a sign of life");
    }
    if (session.holds) return require(view.metered.value() == 0, id + " holds, and nothing is metered");
    if (session.boot != machine_.boots()) return;
    const std::int64_t went_by =
        session.end_asked ? session.ran_ms : machine_.clock().monotonic_now() - session.asked_at;
    const bool late = session.ended_before && session.run != machine_.run() && session.at_once;
    if (late && view.metered.value() == went_by) world_.tally.saw("session ended late, for what it ran");
    require(view.metered.value() <= went_by, id + " was metered for longer than it can have run");
    const bool undisturbed = ended_now && session.at_once && !session.ended_before &&
                             session.run == machine_.run() && !session.told_to_stop;
    if (undisturbed)
        require(view.metered.value() == went_by,
                id + " was metered for all that it ran: " + std::to_string(view.metered.value()) + " of " +
                    std::to_string(went_by) + " ms");
}

}  // namespace meterbox::sim
