// Comparing two lists of starts.
#include "account/journal_judgement.hpp"

#include <algorithm>
#include <optional>

#include "core/limits.hpp"

namespace meterbox::account {

using core::wire::JournalHead;

namespace {

bool has(const std::vector<JournalHead>& starts, const JournalHead& start) {
    return std::ranges::any_of(starts, [&](const JournalHead& other) {
        return other.sequence == start.sequence && other.hash == start.hash;
    });
}

// The first link that begins a start of one chain and not of the other.
std::optional<std::int64_t> first_difference(const KnownJournal& known,
                                             const core::wire::HelloRequest& said) {
    const std::int64_t from = std::max(known.starts_after, starts_named_after({}, said.starts));
    const std::int64_t to = std::min(known.acknowledged.sequence, said.head.sequence);
    std::optional<std::int64_t> first;
    const auto differ = [&](const JournalHead& start) {
        first = std::min(first.value_or(start.sequence), start.sequence);
    };
    for (const JournalHead& start : known.starts)
        if (start.sequence > from && start.sequence <= to && !has(said.starts, start)) differ(start);
    for (const JournalHead& start : said.starts)
        if (start.sequence > from && start.sequence <= known.acknowledged.sequence &&
            !has(known.starts, start))
            differ(start);
    return first;
}

// What the hashes at the acknowledged link say, where both are known.
std::optional<bool> same_link(const JournalHead& acknowledged, const core::wire::HelloRequest& said) {
    for (const JournalHead& link : {said.acknowledged, said.head}) {
        const bool comparable =
            link.sequence == acknowledged.sequence && !link.hash.empty() && !acknowledged.hash.empty();
        if (comparable) return link.hash == acknowledged.hash;
    }
    return std::nullopt;
}

}  // namespace

std::int64_t starts_named_after(const JournalHead& acknowledged, const std::vector<JournalHead>& starts) {
    if (starts.size() < core::limits::journal_starts_max) return acknowledged.sequence;
    return std::ranges::min(starts, {}, &JournalHead::sequence).sequence - 1;
}

JournalJudgement judge_journal(const KnownJournal& known, const core::wire::HelloRequest& said) {
    const std::int64_t acknowledged = known.acknowledged.sequence;
    if (acknowledged == 0) return {JournalVerdict::goes_on, 0};
    const auto same = same_link(known.acknowledged, said);
    if (same && *same) return {JournalVerdict::goes_on, acknowledged};
    const auto parted_at = first_difference(known, said);
    if (parted_at) return {JournalVerdict::parted, *parted_at - 1};
    if (same) return {JournalVerdict::parted, acknowledged};
    if (said.head.sequence < acknowledged) return {JournalVerdict::behind, said.head.sequence};
    return {JournalVerdict::goes_on, acknowledged};
}

}  // namespace meterbox::account
