// The ends of incarnations: what the account knows of an agent's journal, and what it does where another
// journal comes in its name (docs/PROTOCOL.md, Incarnations).
#pragma once

#include <optional>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/journal_judgement.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

KnownJournal known_journal(Database& database, const Agent& agent);  // of its present incarnation
struct PastIncarnation {
    KnownJournal journal;
    std::int64_t usage_acknowledged = 0;
    std::int64_t number = 0;
};
// The newest up to that number: an account that was put back knows nothing of some. None: there was none.
std::optional<PastIncarnation> past_incarnation(Database& database, const Agent& agent, std::int64_t number);

// What counts already of a journal that says it is in an incarnation before the present one.
struct CountedBefore {
    std::int64_t counted = 0;        // its links up to here
    std::int64_t usage_counted = 0;  // the same of usage by hour
    // The last link that a chain has in common with it, also of an incarnation in which nothing was heard
    // yet.
    std::int64_t shared = 0;
    KnownJournal known;        // that chain
    bool nothing_new = false;  // all of it was heard before
};
// Where its disk was copied after it had been fenced, another one with the same links may have brought them
// in a later incarnation. None: nothing is known of its own.
std::optional<CountedBefore> counted_before(Database& database, const Agent& agent,
                                            const core::wire::HelloRequest& said);

// False: a journal that was put back under a process that runs; hello will find out.
bool goes_on(const Agent& agent, const core::wire::JournalHead& head,
             const core::wire::JournalHead& acknowledged);

// The counters at this link of its journal were taken: it is the newest that is known. As agent.last_sync_at
// says, that was a sync.
void acknowledge_journal(Database& database, Agent& agent, const core::wire::JournalHead& head,
                         const core::wire::JournalHead& acknowledged,
                         const std::vector<core::wire::JournalHead>& starts, bool whole_usage);

struct SaidJournal {
    std::int64_t incarnation;
    const core::wire::JournalHead& head;
    const std::vector<core::wire::JournalHead>& starts;
};
// A fence, or an agent that goes on, though its lease can't be honoured: it was given up, or names what this
// store has forgotten.
enum class Ending { fenced, went_on };
// Ends the agent's incarnation and begins the next, for the journal that says this, whose last link
// in common with the known one is `shared` (known: not that of the present incarnation): the last remainders
// are in custody, what it showed last stays. What it was leased the caller decides. Of its usage by hour what
// was acknowledged in the one that ended still is, which begin_usage() changes where that was another chain.
void begin_incarnation(Database& database, Ledger& ledger, Pool& pool, Agent& agent, const SaidJournal& said,
                       std::int64_t shared, Ending ending, const KnownJournal* known = nullptr);
// Of the usage by hour of the incarnation that has begun all up to this link counts in former ones. What came
// after it may come in several syncs: until the last of them no copy of that disk is told that it is counted.
void begin_usage(Database& database, Agent& agent, std::int64_t counted);

}  // namespace meterbox::account
