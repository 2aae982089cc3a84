// The agent's talk with its account: says hello, brings counters and usage, takes up leases. When to
// talk is core::SyncPlan's decision; here it is done. A sent counter is committed; an answer's lease is
// committed before it counts; nothing unsettled is ever dropped. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_time.hpp"
#include "agent/balances.hpp"
#include "agent/identity.hpp"
#include "agent/journal.hpp"
#include "agent/returning.hpp"
#include "agent/sessions.hpp"
#include "agent/supply_record.hpp"
#include "agent/usage_rate.hpp"
#include "core/lease.hpp"
#include "core/sync_plan.hpp"
#include "core/wire.hpp"
#include "core/wire_standing.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/log.hpp"
#include "platform/system/random.hpp"
#include "platform/system/timer.hpp"
#include "platform/tls/jws.hpp"
#include "platform/transport.hpp"

namespace meterbox::agent {

class AccountLink {
public:
    using Done = std::function<void(core::Result<void>)>;
    // What else the account told: the catalogue or a supply changed, or an exchange ended.
    struct Listener {
        std::function<void(const std::vector<std::string>&)> published;  // ledgers that changed
        std::function<void(bool reached)> answered;
        // The account signs leases with another key: who this agent is now, to be stored before it counts.
        std::function<core::Result<void>(const Identity&)> followed = {};
        // Retiring: nothing new is begun; then, once nobody runs any more, nothing is taken.
        std::function<void()> drain = {};
        std::function<bool()> drained = {};
        std::function<void()> seal = {};
    };

    // The claims of a signed lease: platform::tls::verify_jws, or what costs less in a simulation.
    using Verify = std::function<core::Result<std::string>(std::string_view lease,
                                                           std::span<const platform::tls::VerificationKey>)>;

    AccountLink(platform::system::Timers& timers, AgentTime& time, Journal& journal,
                platform::store::StoreThread& store, Balances& balances, Sessions& sessions, UsageRate& rate,
                platform::system::Random& random, platform::system::Log& log, std::int64_t interval_ms,
                Listener listener, Verify verify = platform::tls::verify_jws);

    // From now on it speaks as this agent, through this transport, which must outlive the link, to this url.
    void connect(Identity identity, platform::Transport& transport, std::string url);

    // It was enrolled, and can't show it: nothing is asked of the account before connect().
    void lose_identity(const core::Error& why);
    // The same agent with another certificate; what the transport uses is its owner's business.
    void renewed(const Identity& identity);
    void not_renewed(const core::Error& why);  // by the account, which says who can mend it

    void wake(core::SyncReason reason);
    // Syncs at once; answered when one that began after the call has ended.
    void sync_now(Done done);
    // Ends what runs, brings everything, hands over what is left, and is nobody's agent from then on: goes
    // on until the account has answered, across restarts. done: it has, or the first attempt failed.
    void retire(Done done);
    enum class Retiring { no, draining, sealed, retired };
    Retiring retiring() const { return retiring_; }

    // A check of the journal found its chain broken: nothing is spent until the account has answered hello.
    void doubt_journal(const ChainReport::Broken& broken);
    // Units may have been completed: bring them, if they are news.
    void ledgers_changed(const std::vector<std::string>& resources);
    void stop();

    const std::optional<Identity>& identity() const { return identity_; }
    bool reachable() const { return reachable_; }
    bool knows_catalogue() const { return knows_catalogue_; }  // it was told, now or before a restart
    bool learning() const { return learning_; }  // the account was put back, and awaits all its agents
    std::optional<core::UtcTime> last_sync_at() const { return supply_.last_sync_at; }
    const std::string& last_error() const { return last_error_; }
    // Where the account says that this agent stands; none: it serves it, or hasn't said.
    std::optional<core::wire::Standing> standing() const { return standing_; }
    // The account's key for leases isn't one that the keys known here lead to.
    bool lease_key_unknown() const { return lease_key_unknown_; }
    int consecutive_failures() const { return plan_.consecutive_failures(); }
    std::optional<std::int64_t> next_sync_in_ms() const;
    core::Units pending_units() const;  // completed here, not yet heard of by the account
    std::int64_t lease_number() const { return lease_number_; }
    std::uint64_t syncs() const { return syncs_; }
    std::uint64_t failures() const { return failures_; }

private:
    struct Waiter {
        Done done;
        bool carried = false;
    };
    struct Asked {  // what a request asked for of one resource
        std::string resource;
        core::Units granted_before;
        bool at_zero = false;  // nothing was available
    };
    struct Exchange {  // the sync in flight
        core::wire::SyncRequest request;
        std::int64_t change = 0;
        std::vector<UsageKey> usage_keys;
        bool more_usage = false;
        core::BootTime answered_at;
        std::vector<Asked> asked;
        std::map<std::string, core::Units> completed;
        std::map<std::string, core::TierUnits> charged;
        std::map<std::string, core::Units> held;
        std::vector<Return> returns;  // what the answer recalled
        bool returned = false;
    };

    void pump();
    void say_hello();
    void read_for_hello();
    CounterReading read_for_hello_at(std::int64_t acknowledged);
    void send_hello(CounterReading reading);
    void heard_hello(const core::Result<platform::Answer>& answer);
    void begin_session(core::wire::HelloReply reply);
    std::int64_t epoch_after(const core::wire::HelloReply& reply) const;
    void move_to_next_incarnation(const core::wire::HelloReply& reply);
    void moved(const core::wire::HelloReply& reply);
    void wait_for_operator();
    void sync();
    void send_sync(CounterReading reading);
    void heard_sync(const core::Result<platform::Answer>& answer);
    void take_up(core::wire::SyncReply reply);
    void took_up(const core::wire::SyncReply& reply, const std::optional<core::Lease>& lease);
    core::Result<std::optional<core::Lease>> judge(const core::wire::SyncReply& reply) const;
    SupplyRecord supply_after(const core::wire::SyncReply& reply,
                              const std::optional<core::Lease>& lease) const;
    bool is_news(const core::wire::SyncReply& reply, const std::optional<core::Lease>& lease) const;
    void forget_refusals();
    void given_nothing(const Asked& asked, Balance& balance);
    void apply_supply();

    core::Units heard_of(const std::string& resource, const Balance& balance) const;  // by the account
    core::wire::ResourceCounters counters_of(const core::ResourceLedger& ledger,
                                             const CounterReading& reading) const;
    void ask_for(core::wire::ResourceCounters& counters, const core::ResourceLedger& ledger);
    void ask_for_capacity(core::wire::ResourceCounters& counters, const core::ResourceLedger& ledger);
    void note_asked(const core::ResourceLedger& ledger);
    core::wire::ClockStatement clock_statement() const;

    static core::Error with_context(const char* context, core::Error error);
    void mark_start_again(const core::Error& why);
    void failed(const core::Error& error, bool session_lost);
    void say_nothing_new();
    bool may_seal() const;
    void seal();
    void say_last_word();
    void send_last_word(CounterReading reading);
    void heard_receipt(const core::Result<platform::Answer>& answer);
    void retired(const std::string& receipt);
    core::Result<void> follow_lease_keys(const core::wire::HelloReply& reply);
    core::Result<std::string> claims_of(const std::string& lease) const;
    void refused(const platform::Answer& answer, bool session_lost);
    void ended(const core::Result<void>& outcome);

    std::unique_ptr<platform::system::Timer> timer_;
    AgentTime& time_;
    Journal& journal_;
    platform::store::StoreThread& store_;
    Balances& balances_;
    Sessions& sessions_;
    UsageRate& rate_;
    platform::system::Random& random_;
    platform::system::Log& log_;
    Listener listener_;
    Verify verify_;
    core::SyncPlan plan_;
    std::optional<Identity> identity_;
    std::string url_;  // of the account, as it is spoken to
    platform::Transport* transport_ = nullptr;

    bool busy_ = false;
    bool stopped_ = false;
    std::string nonce_;
    std::string session_;
    std::int64_t epoch_ = 1;        // that leases must be of: what the last hello said, but no earlier than
    std::int64_t lease_epoch_ = 0;  // that of the lease that is held; 0: none is
    std::int64_t incarnation_ = 1;
    core::wire::JournalHead hello_head_;  // what the last hello said
    bool start_marked_ = false;           // this start has its own link in the chain
    bool learning_ = false;               // the account does, and gives nothing meanwhile
    std::int64_t lease_number_ = 0;
    std::string lease_text_;
    std::int64_t request_number_ = 0;
    std::int64_t catalogue_version_ = 0;
    bool knows_catalogue_ = false;
    std::int64_t acknowledged_ = 0;  // the link that the account has acknowledged
    SupplyRecord supply_;
    std::map<std::string, core::Units> brought_;       // completed units that the account has heard of
    std::map<std::string, core::Units> brought_held_;  // and what was held then
    Exchange exchange_;
    std::vector<Waiter> waiters_;

    bool reachable_ = false;
    bool heard_outcome_ = false;  // of any exchange since the start
    std::string last_error_;
    std::optional<core::Error> identity_lost_;
    std::optional<core::wire::Standing> standing_;
    bool lease_key_unknown_ = false;
    Retiring retiring_ = Retiring::no;
    bool brought_all_ = false;  // by the last sync
    std::vector<Done> retire_waiters_;
    std::uint64_t syncs_ = 0;
    std::uint64_t failures_ = 0;
    platform::system::LogOnChange reported_;
};

}  // namespace meterbox::agent
