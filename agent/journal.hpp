// The journal: everything that this agent must not lose, and the only place where it changes. An
// event, its identity, the usage, the remainder and the units that it completes change in one
// transaction; so do the slices of sessions, and a lease with the overage that it covers.
//
// Each commit that wrote something ends with a link of the chain (agent/chain.hpp), whose number is the
// change's.
//
// Store side: all methods but take_publications() run inside CommitJob::apply or ReadJob::run, on
// whichever thread the store thread uses at that moment. What was committed is published to the loop
// as immutable ledgers. A disk that is full refuses a transaction and leaves no trace of it; any other
// failure of a commit has an unknown outcome, so the process ends with nothing acknowledged. A database that
// is found damaged is set aside first, and the next start begins a new one (journal_opening.hpp).
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/chain.hpp"
#include "agent/chain_report.hpp"
#include "agent/identity_store.hpp"
#include "agent/journal_opening.hpp"
#include "agent/journal_tables.hpp"
#include "agent/metered_mark.hpp"
#include "agent/mode_history.hpp"
#include "agent/reserve.hpp"
#include "agent/session_record.hpp"
#include "agent/suspicion.hpp"
#include "agent/witness.hpp"
#include "core/cloud_event.hpp"
#include "core/error.hpp"
#include "core/ledger.hpp"
#include "core/wire.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::agent {

using LedgerView = std::shared_ptr<const core::ResourceLedger>;
struct Return;

// A report that passed every check that needs no journal.
struct JournalEvent {
    core::UsageEvent event;
    core::IdentityHash identity;
    std::uint64_t contents = 0;
    core::UtcTime time;  // when the usage ended: as sent, or now
};

struct ReportOutcome {
    std::int64_t accepted = 0;
    std::int64_t duplicates = 0;
};

// What a session ran since its mark, cut at the UTC hours, and its record afterwards.
struct SessionSlice {
    SessionRecord record;
    struct Part {
        core::UtcHour hour;
        core::Amount amount;
        bool counts = true;  // false: it ran under none, and is recorded alone
    };
    std::vector<Part> parts;
    bool starts = false;  // completed_at_start is filled in here
    bool ends = false;    // units_completed and remainder are filled in here
};

inline constexpr const char* clock_meta = "clock";

// What one transaction changed, for the loop.
struct Publication {
    std::vector<LedgerView> ledgers;
    std::vector<std::pair<std::string, core::Amount>> metered_by_sessions;  // into M, by resource
    std::int64_t events = 0;                                                // rows added
    core::UtcTime at;                     // of its events: when they were taken
    std::int64_t pending_usage_rows = 0;  // not acknowledged by the account, after this transaction
    std::optional<Suspicion> suspicion;   // where nothing may be spent, after this transaction
};

// Everything that a sync says, read together, so that it agrees with itself.
struct CounterReading {
    std::int64_t change = 0;  // what the reading reaches up to
    std::vector<core::ResourceLedger> ledgers;
    std::vector<core::wire::UsageRow> usage;
    std::vector<UsageKey> usage_keys;  // of the rows above, for settle()
    bool more_usage = false;           // there are more rows than fit
    bool whole_usage = false;          // all rows that are pending are here
    struct HourUnits {
        std::string resource;
        std::string tranche;
        core::wire::HourUnits units;
    };
    std::vector<HourUnits> hours;
    core::wire::JournalHead head;
    core::wire::JournalHead acknowledged;  // the number that was asked for, with this journal's hash there
    std::vector<core::wire::JournalHead> starts;  // this journal's after that number, the newest first
};

// Counters begin at 0 again (docs/PROTOCOL.md, Incarnations).
struct NextIncarnation {
    std::int64_t number = 0;
    // The links up to which the account counts in former incarnations what was metered, and what usage it
    // has by hour. What came later moves into the new one.
    std::int64_t counted = 0;
    std::int64_t usage_counted = 0;
};

// Times of the transaction in progress.
struct JournalNow {
    core::Now range;
    core::UtcTime utc;     // the trusted clock's estimate: names the hour
    bool trusted = false;  // its earliest may raise the high-water mark
};

// What the journal needs done by whoever has it. Store side.
struct JournalHooks {
    // The outcome of a commit is unknown, or the database damaged: ends the process, or throws.
    std::function<void(platform::sqlite::StorageFault, const core::Error&)> end;
    std::function<void()> full;  // the disk is, and the reserve was let go
    DiskSpaceOf space = disk_space;
    std::filesystem::path metered_mark = {};  // the file; empty: none is kept
};

class Journal final : public platform::store::Transactions {
public:
    // Throws StorageFailed if the disk fails, std::runtime_error if the database is another program's, in use
    // or of a newer version.
    explicit Journal(const std::filesystem::path& path, JournalHooks hooks = {});

    core::Result<void> begin() override;
    core::Result<void> commit() override;
    void rollback() noexcept override;

    // Inside a transaction. A refused report leaves no trace; index names the event.
    core::Result<ReportOutcome> report(std::span<const JournalEvent> events, const JournalNow& now);
    void meter(SessionSlice& slice, const JournalNow& now);
    void save_session(const SessionRecord& session);
    void take_lease(const core::Lease& lease, const JournalNow& now);
    // at: the moment from which a change of mode counts for what runs.
    void describe(const std::vector<core::Resource>& catalogue, const ModeMoment& at = {});
    void settle_overage(const JournalNow& now);  // tranches may have begun to be valid
    // Both raise R, and say by how much: what a recall asks for, and what no session holds.
    core::Units give_back(const Return& give, const JournalNow& now);
    core::Units give_back_beyond(const std::string& resource, core::Units keep, const JournalNow& now);
    void note_held(const JournalNow& now);  // what is held as an hour begins
    void settle(const std::vector<UsageKey>& usage, std::int64_t change);
    void hand_over();                            // all that was leased: the agent has retired
    void tell_again_after(std::int64_t change);  // an account that was put back knows nothing newer
    void set_meta(std::string_view key, std::string_view value);
    void begin_incarnation(NextIncarnation next);
    void mark_start();  // its commit's link parts this chain from any copy's, as the first of a start does
    void keep_clock(std::string text);      // goes with the first commit that succeeds from now on
    void forgot_events(std::int64_t last);  // up to and with that number: retention
    // Once this is committed, nothing is spent, restarts included.
    void suspect(Suspicion why);
    bool suspect_chain(const ChainReport::Broken& broken);  // true: it wasn't found broken before
    void dispel_suspicion();  // once this is committed, what is leased may be spent

    // Between transactions.
    // acknowledged: the number of the link that the account knows; 0: none.
    CounterReading read_counters(std::size_t usage_rows_max, std::int64_t acknowledged = 0);
    JournalTables& tables() { return tables_; }
    IdentityStore& identities() { return identities_; }
    Chain& chain() { return chain_; }
    platform::sqlite::Connection& connection() { return *connection_; }  // for retention
    std::int64_t settled() const { return standing_.settled; }  // the account has heard of changes up to here
    const std::map<std::string, std::string>& meta() const { return meta_; }
    std::optional<core::UtcTime> high_water() const { return high_water_; }  // of the trusted time
    std::int64_t pending_usage_rows() const { return standing_.pending_usage_rows; }
    const std::optional<Suspicion>& suspicion() const { return suspicion_; }
    // This journal was put back in the boot that the mark names: up to it another journal's sessions count.
    const std::optional<MeteredMark>& metered_elsewhere() const { return metered_elsewhere_; }
    const std::optional<core::WitnessRecord>& witnessed() const { return witness_.record(); }
    Reserve& reserve() { return reserve_; }
    const Reserve& reserve() const { return reserve_; }
    std::vector<LedgerView> ledgers() const;
    std::int64_t incarnation() const { return standing_.incarnation; }
    core::Amount former(const std::string& resource) const;  // metered in former incarnations
    const ModeHistory& modes() const { return *standing_.modes; }
    core::Result<core::Amount> usage_of_last_day(const std::string& resource, core::UtcTime now);

    // On the loop: what was committed since the last call. Any thread.
    std::vector<Publication> take_publications();

private:
    // What a rollback puts back of a resource: copied when a transaction first touches it.
    struct Counters {
        core::ResourceLedger ledger;
        std::optional<core::UtcTime> high_water;
        core::Amount former;  // metered in former incarnations
    };
    // What the transaction in progress did to it.
    struct Touched {
        core::Amount metered_by_sessions;
        bool metered = false;   // M changed
        bool tranches = false;  // G, U, R, order or validity changed
    };
    struct Entry : Counters, Touched {
        Entry(ResourceId number, Counters counters) : Counters(std::move(counters)), id(number) {}
        ResourceId id = 0;
        std::optional<Counters> before;  // as it was when the transaction began
    };
    struct UsageCell {
        core::Amount amount;
        core::Amount added;      // by the transaction in progress, to M as well
        core::Amount unmetered;  // by it, where nothing is enforced
        bool stored = false;     // it has a row
        bool pending = false;    // known to be marked as not yet acknowledged
        bool changed = false;    // in changed_cells_
    };
    using UsageCells = std::map<UsageKey, UsageCell>;
    // A session that holds units of a returnable resource.
    struct Holder {
        ResourceId resource = 0;
        std::string subject;
        core::Units quantity;
    };
    using HourOfResource = std::pair<ResourceId, core::UtcHour>;

    // What a rollback puts back of the rest: small, and copied as each transaction begins.
    struct Standing {
        std::int64_t incarnation = 1;
        std::int64_t settled = 0;  // what the account has acknowledged of completed units
        std::int64_t pending_usage_rows = 0;
        std::shared_ptr<const ModeHistory> modes = std::make_shared<const ModeHistory>();
    };
    // What only the transaction in progress knows. All of it goes with its end, whichever that is.
    struct Transaction {
        std::optional<Standing> before;
        std::int64_t writes_before = 0;
        core::LinkState link;
        std::vector<UsageCells::value_type*> changed_cells;
        std::map<HourOfResource, std::int64_t> new_subjects;  // that it is the first to name
        std::map<HourOfResource, core::Amount> hour_totals;   // without enforcement, of all subjects
        std::map<std::string, std::string, std::less<>> meta;
        std::vector<std::string> added;                                        // resources that it made
        std::vector<std::pair<std::string, std::pair<Holder, bool>>> counted;  // in holders_
        std::optional<core::UtcTime> mark;
        std::optional<MeteredMark> metered;  // the time of sessions that it takes, up to when
        bool dispelling = false;
        std::optional<Suspicion> doubting;
        std::int64_t events = 0;
        core::UtcTime events_at;
        std::optional<core::Error> trouble;  // its first failure
    };

    static bool is_counted(const Entry& entry);
    core::Amount& hour_total(ResourceId resource, core::UtcHour hour);
    void must(const core::Result<void>& done);
    std::int64_t must(const core::Result<std::int64_t>& done);
    Entry& touch(Entry& entry);
    // counts: M has it, too. Of a session by the mode of then, which may not be the one of now.
    void add_usage(Entry& entry, core::UtcHour hour, const std::string& subject, core::Amount amount,
                   bool counts);
    void mark_changed(UsageCells::value_type& usage);
    void load_holders();
    void hold(Entry& entry, SessionSlice& slice, const JournalNow& now);
    void count_holder(const std::string& session, const Holder& holder, bool holds);
    void note_peak(Entry& entry, core::UtcHour hour, const std::string& subject);
    UsageCells::value_type& cell(ResourceId resource, core::UtcHour hour, const std::string& subject);
    bool takes_subject(ResourceId resource, core::UtcHour hour, const std::string& subject);
    void add_amount(Entry& entry, core::Amount amount, const JournalNow& now);
    void note_mode(const core::Resource& before, const core::Resource& after, const ModeMoment& at);
    void complete(Entry& entry, const std::vector<core::Completion>& completions, core::UtcHour hour);
    core::Result<void> check(std::span<const JournalEvent> events);
    bool has_room(const Entry& entry, const JournalEvent& event, core::Amount sum);
    core::Result<std::vector<bool>> remember(std::span<const JournalEvent> events, core::UtcTime now);
    void note_time(const JournalNow& now);
    void save_mark();
    void load_clock();
    Journal(OpenedDatabase opened, const std::filesystem::path& path, JournalHooks hooks);
    core::Result<void> prepare_start();
    void take_totals_at_start();
    void doubt();
    void begin_anew(const std::string& damage);
    core::Result<void> judged(core::Result<void> done);
    std::string meta_text(std::string_view key) const;
    std::int64_t meta_number(std::string_view key, std::int64_t otherwise) const;
    bool take_up_meta();
    void bear_witness();
    core::Units completed_ever(const Entry& entry) const;
    struct Carried;
    Carried carried(const NextIncarnation& next);
    void carry(Entry& entry, core::Amount metered);
    void save_usage();
    void flush();
    void link();
    void publish();
    void note_metered();

    std::filesystem::path path_;
    JournalHooks hooks_;
    std::unique_ptr<platform::sqlite::Connection> connection_;
    JournalTables tables_;
    IdentityStore identities_;
    Chain chain_;
    Witness witness_;
    Reserve reserve_;
    MeteredMarkFile metered_mark_;
    std::optional<MeteredMark> metered_elsewhere_;
    std::deque<MeteredMark> metered_untold_;  // the newest
    std::optional<Suspicion> suspicion_;
    core::LinkState start_;  // with a mark until this start's first commit: what it found
    Standing standing_;
    Transaction transaction_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::map<ResourceId, std::string> keys_;
    std::map<std::string, Holder> holders_;                              // by session
    std::map<ResourceId, std::map<std::string, core::Units>> subjects_;  // what they hold, by subject
    UsageCells cells_;                                                   // what was read and written of late
    std::map<std::string, std::string> meta_;                            // as committed
    std::optional<core::UtcTime> high_water_;                            // the same
    std::int64_t change_ = 0;           // of the last transaction that was committed
    std::optional<std::string> clock_;  // for the first commit that succeeds

    std::mutex publications_mutex_;
    std::vector<Publication> publications_;
};

}  // namespace meterbox::agent
