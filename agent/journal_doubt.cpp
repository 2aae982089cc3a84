// Whether the journal is the one that its witness has seen, and what the witness is told.
#include <charconv>

#include "agent/journal.hpp"

namespace meterbox::agent {

namespace {

constexpr std::string_view suspicion_key = "suspicion";
constexpr std::string_view lease_number_key = "lease_number";
constexpr std::string_view incarnation_key = "incarnation";

}  // namespace

std::string Journal::meta_text(std::string_view key) const {
    const auto found = meta_.find(std::string(key));
    return found == meta_.end() ? std::string() : found->second;
}

std::int64_t Journal::meta_number(std::string_view key, std::int64_t otherwise) const {
    const std::string text = meta_text(key);
    std::int64_t number = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// At the start, before anything is written.
void Journal::doubt() {
    if (std::string kept = meta_text(suspicion_key); !kept.empty()) {
        suspicion_ = Suspicion{Suspicion::Cause::set_aside, std::move(kept)};
        return;
    }
    const std::optional<core::WitnessRecord>& seen = witness_.record();
    if (!seen) return;
    core::JournalMark mark;
    mark.incarnation = meta_number(incarnation_key, 1);
    mark.lease_number = meta_number(lease_number_key, 0);
    mark.sequence = chain_.head().sequence;
    if (const auto there = chain_.hash_of(seen->sequence); there && *there)
        mark.hash_there = platform::system::hex(**there);
    if (auto missing = core::missing_from(mark, *seen))
        suspicion_ = Suspicion{Suspicion::Cause::witness_ahead, std::move(*missing)};
}

void Journal::suspect(std::string detail) {
    set_meta(suspicion_key, detail);
    doubting_ = Suspicion{Suspicion::Cause::fenced, std::move(detail)};
}

void Journal::dispel_suspicion() {
    if (!suspicion_) return;
    dispelling_ = true;
    if (!meta_text(suspicion_key).empty()) set_meta(suspicion_key, "");
}

// What the transaction that was committed wrote to `meta`; true: the witness must hear of it.
bool Journal::take_up_meta() {
    bool raised = std::exchange(dispelling_, false);
    if (raised) suspicion_.reset();
    if (doubting_) suspicion_ = std::exchange(doubting_, std::nullopt);
    for (auto& [key, value] : meta_changes_) {
        raised = raised || key == lease_number_key || key == incarnation_key;
        meta_.insert_or_assign(key, std::move(value));
    }
    meta_changes_.clear();
    return raised;
}

void Journal::bear_witness() {
    core::WitnessRecord record;
    record.incarnation = meta_number(incarnation_key, 1);
    record.lease_number = meta_number(lease_number_key, 0);
    record.sequence = chain_.head().sequence;
    record.hash = platform::system::hex(chain_.head().hash);
    record.high_water = high_water_;
    for (const auto& [key, entry] : entries_) {
        if (entry.high_water && (!record.high_water || *entry.high_water > *record.high_water))
            record.high_water = entry.high_water;
        core::TrancheTotals sums;
        for (const core::Tranche& tranche : entry.ledger.tranches()) {
            sums.granted += tranche.granted;
            sums.used += tranche.used;
            sums.returned += tranche.returned;
        }
        record.resources.push_back({key, entry.ledger.metered(), {sums}});
    }
    witness_.write(std::move(record));
}

}  // namespace meterbox::agent
