// The sessions of this machine's products: metered on the monotonic clock, checkpointed in one commit
// for all, ended when the product is gone, told `low` and `stop`. A timer is armed for the exact
// moment at which the lease is used up by what runs; what it meters then is exactly what was left.
// Loop thread only; the records live in the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_time.hpp"
#include "agent/balances.hpp"
#include "agent/journal.hpp"
#include "agent/session_record.hpp"
#include "agent/session_view.hpp"
#include "core/gate.hpp"
#include "core/mode_changes.hpp"
#include "core/sync_plan.hpp"
#include "platform/http/server.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/timer.hpp"

namespace meterbox::agent {

struct SessionSettings {
    std::int64_t heartbeat_ms = 0;
    std::int64_t checkpoint_ms = 0;
    std::size_t sessions_max = 0;
};

struct SessionOrder {
    std::string id;
    std::string resource;
    std::string subject;
    SessionKeeping keeping = SessionKeeping::heartbeat;
    std::uint32_t uid = 0;
    core::Units quantity{1};    // of a returnable resource
    std::uint64_t arrival = 0;  // given by open(), in their order
};

struct OpenedSession {
    SessionView view;
    bool fresh = false;       // 201, else it was there: 200
    bool superseded = false;  // it was asked for again since, and is kept by that request
};

class Sessions {
public:
    using Opened = std::function<void(core::Result<OpenedSession>)>;
    using Shown = std::function<void(core::Result<SessionView>)>;
    using Ask = std::function<void(core::SyncReason)>;
    // Ledgers that a commit changed. Calls reconsider(), as after any other commit.
    using Published = std::function<void(const std::vector<std::string>& resources)>;

    Sessions(platform::system::Timers& timers, AgentTime& time, Journal& journal,
             platform::store::StoreThread& store, Balances& balances, SessionSettings settings, Ask ask,
             Published published);

    // As the journal has them, at the start: those of this boot wait for their products, the others
    // ended at their last checkpoint.
    void restore(std::vector<SessionRecord> records);

    // The resource is known, of duration or returnable, and the order's fields are valid. Answers later or at
    // once; a session asked for at 0 waits for the account's answer (R6).
    void open(SessionOrder order, Opened done);
    // The connection that keeps a session alive, if its request isn't superseded; the newest one counts.
    void attach(const std::string& id, std::shared_ptr<platform::http::EventStream> stream);
    void heartbeat(const std::string& id, std::uint32_t uid, Shown done);
    // ran: how long it ran in all, by its product's word, where that couldn't be said at once; what was
    // metered before stays, and nobody ran longer than until now.
    void end(const std::string& id, std::uint32_t uid, Shown done, std::optional<core::Amount> ran = {});
    void show(const std::string& id, Shown done);
    std::vector<SessionView> list() const;

    // A ledger or a supply changed: admit who waits, stop who must, arm the timer anew.
    void reconsider(const std::vector<std::string>& resources);
    void reconsider_all();
    // Before usage is taken: which units may finish past spend-until is decided by what had begun by then.
    void note_stale_leases();

    // An exchange with the account ended: who waited for it is admitted or refused.
    void answered(bool reached);

    // The agent retires: nobody begins any more, who runs is told to stop, and ends once its time up to then
    // is confirmed, or its sign of life is overdue.
    void drain();
    bool drained();  // nobody is left; ends those who can be

    // Not in the ledger yet; of a returnable resource what is being checked out or given back.
    core::Amount running(const std::string& resource) const;
    core::Units held(const std::string& resource) const;  // of a returnable resource
    // Checkouts that wait, as carry_waiting().
    core::Units carry_checkouts(const std::string& resource);
    std::int64_t count(const std::string& resource) const;    // of sessions that run
    std::int64_t waiting(const std::string& resource) const;  // sessions asked for at 0
    // The same. A request that is being made carries their need: its answer is theirs.
    std::int64_t carry_waiting(const std::string& resource);
    std::size_t active() const { return sessions_.size(); }
    core::Standing standing(const std::string& resource) const;

    // Meters everything up to now and lets go of the streams; the sessions themselves go on, and wait for
    // the next start of the agent.
    void shut_down();

private:
    struct Session {
        SessionRecord record;           // as submitted to the journal
        core::MonotonicTime confirmed;  // heartbeat: the last sign of life
        bool awaited = false;           // after a restart, until its product comes
        bool told_low = false;
        bool stop_stored = false;                   // that it was told to stop, with all that it ran
        bool ending = false;                        // its last slice is on its way
        std::optional<core::MonotonicTime> end_at;  // it ended; kept until that is stored
        core::MonotonicTime retry_at;               // of storing it
        std::shared_ptr<platform::http::EventStream> stream;
        std::uint64_t attachment = 0;
        std::uint64_t asked_last = 0;  // arrival of the latest order for it
        std::size_t place = 0;         // in Group::running, while it runs
        int submitted = 0;             // slices whose commit's fate isn't known yet
        std::vector<Shown> enders;
        bool holds = false;  // units of a returnable resource: nothing of it is metered or stopped
        bool runs() const { return !holds && !record.stop_at && !end_at; }
    };
    struct WaitingOrder {
        SessionOrder order;
        Opened done;
        core::MonotonicTime deadline;
        bool carried = false;  // a request with its need was made
    };
    struct Group {  // of one resource
        std::vector<Session*> running;
        bool counts = true;         // as the mode was when last looked at; false: none
        core::ModeChanges modes;    // of this boot
        bool relaxed = false;       // it was soft or none when last looked at
        std::int64_t marks_ms = 0;  // sum over running of counted_from()
        std::int64_t held_ms = 0;   // of sessions by heartbeat that were told to stop, until they confirm
        std::list<WaitingOrder> waiting;
        std::optional<core::MonotonicTime> refused_at;  // somebody's need, by an answer
        core::Units granted;                            // by the lease, as its sessions were last told
        std::optional<bool> told_low;                   // all whom anybody hears; none: not all the same
        bool settling = false;                          // overage is taking units that have begun to be valid
        std::optional<core::MonotonicTime> zero_since;  // the balance reached 0, the answer is awaited
        std::optional<core::MonotonicTime> used_up_at;  // by what runs, as it was when last looked at
        std::optional<core::UtcTime> stale_since;  // spend-until, where it has passed; kept over restarts
        core::Units begun_when_stale;              // then
        core::Units held;                          // of a returnable resource: also what isn't stored yet
        core::Units returning;                     // on its way into R
        bool one_by_one = false;                   // the checkouts that wait don't fit together
        bool answering = false;                    // they are being served
        std::optional<core::Units> refused;        // the least that the last answer didn't give
    };
    struct Meters {                       // one moment of a group
        core::Standing before;            // without what runs since the marks
        std::int64_t since_marks_ms = 0;  // that
        std::int64_t left_ms() const { return before.available.value() - since_marks_ms; }
    };

    void ask(core::SyncReason reason);
    std::optional<core::MonotonicTime> silent_at() const;
    bool is_account_silent() const;
    Session* find(const std::string& id);
    void skip_what_counted_elsewhere(SessionRecord& record, core::MonotonicTime now) const;
    void run(Session& session);
    void halt(Session& session);
    core::MonotonicTime reach(const Session& session, core::MonotonicTime now) const;
    core::MonotonicTime counted_from(const Session& session, const Group& group) const;
    void note_mode(const core::Resource& resource, Group& group);
    core::MonotonicTime waiting_end(const Group& group, core::MonotonicTime now) const;

    void admit(SessionOrder order, Opened done);
    void begin(SessionOrder order, Opened done);
    void reopen(Session& session, const SessionOrder& order, const Opened& done);
    core::Error refusal(const std::string& resource) const;
    bool is_returnable(const std::string& resource) const;
    bool fits(const SessionOrder& order) const;
    void check_out(SessionOrder order, Opened done);
    void let_go(const SessionRecord& record);
    void turn_away(WaitingOrder order);
    void answer_checkouts(const std::string& resource, Group& group, bool reached);
    void consider_holdings(const std::string& resource, Group& group);
    void give_back_unheld(const std::string& resource, Group& group);
    void note_hour();
    static core::Error nothing_new();
    void look_up(const std::string& id, Shown done);

    SessionSlice take_slice(Session& session, core::MonotonicTime until);
    void submit(std::vector<SessionSlice> slices, std::function<void(const core::Result<void>&)> done);
    void take_back(const SessionSlice& slice);
    void not_begun(const std::string& id);
    void finish(Session& session, core::MonotonicTime until);
    void finished(const std::string& id, const core::Result<void>& committed);
    void checkpoint();

    std::int64_t since_marks_ms(const Group& group) const;
    Meters meters(const std::string& resource, const Group& group) const;
    void consider(const std::string& resource, Group& group);
    void note_stale(const std::string& resource, Group& group, Balance& balance);
    void restore_stale(const std::string& resource, Group& group);
    std::int64_t next_turn_ms(const Balance& balance) const;
    void settle_overage(const std::string& resource, Group& group);
    void reached_zero(const std::string& resource, Group& group, const Meters& now);
    void stop_all(Group& group, core::Amount available, bool exactly);
    SessionSlice stop(Session& session, Group& group, core::MonotonicTime at);
    void tell(Session& session);
    void tell_news(const core::ResourceLedger& ledger, Group& group, bool low);
    bool admits(const std::string& resource) const;
    void serve_waiting(Group& group);
    std::optional<core::MonotonicTime> due_at(const Session& session) const;
    bool is_silent(const Session& session) const;
    void sweep();
    std::int64_t completion_spacing_ms() const;
    void arm();
    std::int64_t next_event_ms(const std::string& resource, const Group& group) const;
    void on_timer();

    SessionView view(const Session& session) const;
    SessionView view(const SessionRecord& record) const;

    std::unique_ptr<platform::system::Timer> timer_;
    AgentTime& time_;
    Journal& journal_;
    platform::store::StoreThread& store_;
    Balances& balances_;
    SessionSettings settings_;
    Ask ask_;
    Published published_;
    std::map<std::string, std::unique_ptr<Session>> sessions_;
    std::map<std::string, Group> groups_;
    core::MonotonicTime next_checkpoint_{};
    core::MonotonicTime last_checkpoint_{};
    core::MonotonicTime next_sweep_{};
    std::uint64_t attachments_ = 0;
    std::uint64_t arrivals_ = 0;
    core::MonotonicTime restored_at_{};
    std::optional<core::MonotonicTime> answered_at_;  // the last exchange with the account ended
    std::optional<core::MonotonicTime> asked_at_;     // and no request was made since
    std::optional<core::MonotonicTime> carried_at_;   // asked then, by a request that isn't answered yet
    bool reached_ = false;                            // that one found the account
    std::optional<core::UtcHour> noted_hour_;         // for which what is held is stored
    bool checkpointing_ = false;
    bool shut_down_ = false;
    bool draining_ = false;
};

}  // namespace meterbox::agent
