// The tables incarnation and journal_start, and the agent's row.
#include "account/fencing.hpp"

#include <algorithm>
#include <utility>

#include "account/custody.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

using core::wire::JournalHead;

namespace {

std::vector<JournalHead> starts_of(Database& database, const Agent& agent, std::int64_t incarnation) {
    std::vector<JournalHead> starts;
    database.each(
        "SELECT sequence, hash FROM journal_start WHERE agent = ? AND incarnation = ? ORDER BY sequence",
        [&](auto& row) {
            starts.push_back({row.integer(0), row.string(1)});
        },
        agent.id, incarnation);
    return starts;
}

void keep_starts(Database& database, Agent& agent, const std::vector<JournalHead>& starts,
                 std::int64_t up_to) {
    bool any = false;
    for (const JournalHead& start : starts) {
        if (start.sequence > up_to) continue;
        any = true;
        database.run(
            "INSERT INTO journal_start (agent, incarnation, sequence, hash) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            agent.id, agent.incarnation, start.sequence, start.hash);
    }
    if (!any) return;
    const auto beyond = database.first(
        "SELECT sequence FROM journal_start WHERE agent = ? AND incarnation = ? ORDER BY sequence DESC "
        "LIMIT 1 OFFSET ?",
        [](auto& row) { return row.integer(0); }, agent.id, agent.incarnation,
        core::limits::journal_starts_kept);
    if (!beyond) return;
    agent.starts_after = std::max(agent.starts_after, *beyond);
    database.run("DELETE FROM journal_start WHERE agent = ? AND incarnation = ? AND sequence <= ?", agent.id,
                 agent.incarnation, *beyond);
}

// Counters of it were.
bool is_heard(Database& database, const Agent& agent, std::int64_t incarnation) {
    return database.number("SELECT EXISTS (SELECT 1 FROM agent_resource WHERE agent = ? AND incarnation = ?)",
                           agent.id, incarnation) != 0;
}

}  // namespace

KnownJournal known_journal(Database& database, const Agent& agent) {
    return {{agent.acknowledged, agent.acknowledged_hash},
            starts_of(database, agent, agent.incarnation),
            agent.starts_after};
}

std::optional<PastIncarnation> past_incarnation(Database& database, const Agent& agent, std::int64_t number) {
    std::int64_t found = 0;
    auto past = database.first(
        "SELECT acknowledged, acknowledged_hash, usage_acknowledged, starts_after, number FROM incarnation "
        "WHERE agent = ? AND number <= ? ORDER BY number DESC LIMIT 1",
        [&](auto& row) {
            found = row.integer(4);
            return PastIncarnation{
                {{row.integer(0), row.string(1)}, {}, row.integer(3)}, row.integer(2), found};
        },
        agent.id, number);
    if (past) past->journal.starts = starts_of(database, agent, found);
    return past;
}

std::optional<CountedBefore> counted_before(Database& database, const Agent& agent,
                                            const core::wire::HelloRequest& said) {
    auto own = past_incarnation(database, agent, said.incarnation);
    if (!own) return std::nullopt;
    CountedBefore counted;
    const auto count = [&](const JournalJudgement& judged, std::int64_t usage_acknowledged) {
        counted.counted = std::max(counted.counted, judged.shared);
        counted.usage_counted = std::max(counted.usage_counted, std::min(judged.shared, usage_acknowledged));
    };
    // The head of the hello that began an incarnation is known of it, and nothing up to there counts in it
    // before its counters were heard.
    std::int64_t heard = own->number;
    for (auto past = own; past; past = past_incarnation(database, agent, --heard)) {
        heard = past->number;
        if (!is_heard(database, agent, heard)) continue;
        count(judge_journal(past->journal, said), past->usage_acknowledged);
        break;
    }
    const auto look = [&](KnownJournal known, std::int64_t usage_acknowledged, bool first) {
        const JournalJudgement judged = judge_journal(known, said);
        if (!first) count(judged, usage_acknowledged);
        if (judged.verdict != JournalVerdict::parted)
            counted.nothing_new = counted.nothing_new || said.head.sequence <= known.acknowledged.sequence;
        if (!first && judged.shared <= counted.shared) return;
        counted.shared = judged.shared;
        counted.known = std::move(known);
    };
    look(std::move(own->journal), own->usage_acknowledged, true);
    std::vector<std::int64_t> later;  // whose counters were heard, and so what they had begun with
    database.each(
        "SELECT DISTINCT incarnation FROM agent_resource WHERE agent = ? AND incarnation > ? ORDER BY "
        "incarnation",
        [&](auto& row) { later.push_back(row.integer(0)); }, agent.id, said.incarnation);
    for (const std::int64_t number : later) {
        if (number == agent.incarnation) {
            look(known_journal(database, agent), agent.usage_acknowledged, false);
        } else if (auto past = past_incarnation(database, agent, number)) {
            look(std::move(past->journal), past->usage_acknowledged, false);
        }
    }
    return counted;
}

bool goes_on(const Agent& agent, const JournalHead& head, const JournalHead& acknowledged) {
    const bool other = acknowledged.sequence == agent.acknowledged && !acknowledged.hash.empty() &&
                       !agent.acknowledged_hash.empty() && acknowledged.hash != agent.acknowledged_hash;
    return !other && head.sequence >= agent.acknowledged;
}

void acknowledge_journal(Database& database, Agent& agent, const JournalHead& head,
                         const JournalHead& acknowledged, const std::vector<JournalHead>& starts,
                         bool whole_usage) {
    // What it doesn't name between what was known and its oldest is not known.
    const std::int64_t named_after = starts_named_after(acknowledged, starts);
    if (named_after > agent.acknowledged) agent.starts_after = std::max(agent.starts_after, named_after);
    agent.acknowledged = head.sequence;
    agent.acknowledged_hash = head.hash;
    if (whole_usage) agent.usage_acknowledged = head.sequence;
    keep_starts(database, agent, starts, head.sequence);
    database.run(
        "UPDATE agent SET acknowledged = ?, acknowledged_hash = ?, usage_acknowledged = ?, starts_after = ?, "
        "last_sync_at = ? WHERE id = ?",
        agent.acknowledged, agent.acknowledged_hash, agent.usage_acknowledged, agent.starts_after,
        agent.last_sync_at, agent.id);
}

void begin_incarnation(Database& database, Ledger& ledger, Pool& pool, Agent& agent, const SaidJournal& said,
                       std::int64_t shared, Ending ending, const KnownJournal* known) {
    Custody custody(database, ledger, pool);
    custody.take_over(agent);
    database.run(
        "INSERT INTO incarnation (agent, number, acknowledged, acknowledged_hash, usage_acknowledged, "
        "starts_after, ended_at, fenced) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        agent.id, agent.incarnation, agent.acknowledged, agent.acknowledged_hash, agent.usage_acknowledged,
        agent.starts_after, ledger.now(), std::int64_t{ending == Ending::fenced});
    // Of the starts that it shares with the journal that it was compared with, the known ones are known
    // still. Where two disks are at work that is its own of before, and not the other's.
    KnownJournal compared = known != nullptr ? *known : known_journal(database, agent);
    std::erase_if(compared.starts, [&](const JournalHead& start) { return start.sequence > shared; });
    agent.starts_after = compared.starts_after;
    agent.incarnation = std::max(agent.incarnation, said.incarnation) + 1;
    keep_starts(database, agent, compared.starts, shared);
    database.run("UPDATE agent SET incarnation = ?, written_off_at = NULL, unsettled_hour = 0 WHERE id = ?",
                 agent.incarnation, agent.id);
    agent.acknowledged = shared;  // where the two parted
    acknowledge_journal(database, agent, said.head, {}, said.starts, false);
    custody.settle();
}

void begin_usage(Database& database, Agent& agent, std::int64_t counted) {
    agent.usage_acknowledged = counted;
    database.run("UPDATE agent SET usage_acknowledged = ? WHERE id = ?", counted, agent.id);
}

}  // namespace meterbox::account
