// Whether the journal is the one that its witness has seen, what the witness is told, and what is done when
// the disk or the database fails.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "agent/journal.hpp"

namespace meterbox::agent {

namespace {

constexpr std::string_view suspicion_key = "suspicion";
constexpr std::string_view fenced_key = "suspicion_fenced";  // it is one that waits for the operator
constexpr std::string_view broken_key = "broken_link";  // the first one found: hello has settled it, or is to
constexpr std::string_view lease_number_key = "lease_number";
constexpr std::string_view incarnation_key = "incarnation";
constexpr std::string_view damage_key = "damage";

void required(const core::Result<void>& done) {
    if (!done) throw StorageFailed(done.error().detail);
}

// What a journal held that isn't there any more, as far as anybody knows.
std::string held_by(const std::optional<core::WitnessRecord>& witness) {
    if (!witness) return "nothing is known of what it held";
    std::string text = "it held what was committed up to number " + std::to_string(witness->sequence) +
                       " and later, as incarnation " + std::to_string(witness->incarnation);
    for (const core::ResourceTotals& resource : witness->resources) {
        text += "; " + resource.resource + ": " + std::to_string(resource.metered.value()) + " metered";
        if (!resource.tranches.empty())
            text += ", " + std::to_string(resource.tranches[0].used.value()) + " units used";
    }
    return text;
}

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
    if (std::string kept = meta_text(suspicion_key); !kept.empty())
        suspicion_ =
            Suspicion{meta_text(fenced_key).empty() ? Suspicion::Cause::set_aside : Suspicion::Cause::fenced,
                      std::move(kept)};
    const std::optional<core::WitnessRecord>& seen = witness_.record();
    if (!seen) return;
    if (seen->high_water && (!high_water_ || *seen->high_water > *high_water_))
        high_water_ = seen->high_water;
    core::JournalMark mark;
    mark.incarnation = meta_number(incarnation_key, 1);
    mark.lease_number = meta_number(lease_number_key, 0);
    mark.sequence = chain_.head().sequence;
    if (const auto there = chain_.hash_of(seen->sequence); there && *there)
        mark.hash_there = platform::system::hex(**there);
    if (suspicion_) return;
    if (auto missing = core::missing_from(mark, *seen))
        suspicion_ = Suspicion{Suspicion::Cause::witness_ahead, std::move(*missing)};
}

void Journal::suspect(Suspicion why) {
    set_meta(suspicion_key, why.detail);
    if (why.cause == Suspicion::Cause::fenced) set_meta(fenced_key, "yes");
    transaction_.doubting = std::move(why);
}

// Once: a broken chain is never whole again, and where its head doesn't fit the tables the place moves with
// each commit. Each check would stop all that runs.
bool Journal::suspect_chain(const ChainReport::Broken& broken) {
    if (suspicion_ || !meta_text(broken_key).empty()) return false;
    set_meta(broken_key, std::to_string(broken.sequence));
    suspect({Suspicion::Cause::chain_broken, "the journal's chain is broken at link " +
                                                 std::to_string(broken.sequence) + ": " + broken.what});
    return true;
}

// The first thing that is written to a journal which takes a damaged one's place, so that neither the
// suspicion nor what is known of the other is lost. An incarnation's number never falls,
// nor within one that of a lease.
void Journal::begin_anew(const std::string& damage) {
    if (meta_.contains(std::string(suspicion_key)) || chain_.head().sequence > 0) return;
    const std::vector<std::string> aside = journals_set_aside(path_);
    if (aside.empty()) return;
    std::string detail = "the journal was damaged and set aside as " + aside.back();
    if (!damage.empty()) detail += " (" + damage + ")";
    detail += ": " + held_by(witness_.record());
    suspicion_ = Suspicion{Suspicion::Cause::set_aside, detail};
    required(begin());
    set_meta(suspicion_key, detail);
    set_meta(damage_key, detail);
    if (const auto& seen = witness_.record()) {
        set_meta(incarnation_key, std::to_string(seen->incarnation));
        set_meta(lease_number_key, std::to_string(seen->lease_number));
    }
    const auto stored = commit();
    if (!stored) rollback();
    required(stored);
}

// A full disk passes. After anything else nobody knows what is stored.
core::Result<void> Journal::judged(core::Result<void> done) {
    using platform::sqlite::StorageFault;
    if (done) return done;
    const StorageFault fault = connection_->damaged() ? StorageFault::corrupt : connection_->last_fault();
    if (fault == StorageFault::full) {
        reserve_.let_go();
        if (hooks_.full) hooks_.full();
        return done;
    }
    core::Error error = done.error();
    if (fault == StorageFault::corrupt) {
        if (const auto aside = set_aside(path_); !aside) error.detail += "; " + aside.error().detail;
    }
    if (hooks_.end) hooks_.end(fault, error);
    std::fprintf(stderr, "meterboxd: the journal can't be written, so nothing is acknowledged: %s\n",
                 error.detail.c_str());
    std::_Exit(1);
}

void Journal::dispel_suspicion() {
    if (!suspicion_) return;
    transaction_.dispelling = true;
    for (const std::string_view key : {suspicion_key, fenced_key})
        if (!meta_text(key).empty()) set_meta(key, "");
}

// What the transaction that was committed wrote to `meta`; true: the witness must hear of it.
bool Journal::take_up_meta() {
    bool raised = std::exchange(transaction_.dispelling, false);
    if (raised) suspicion_.reset();
    if (transaction_.doubting) suspicion_ = std::exchange(transaction_.doubting, std::nullopt);
    for (auto& [key, value] : transaction_.meta) {
        raised = raised || key == lease_number_key || key == incarnation_key;
        meta_.insert_or_assign(key, std::move(value));
    }
    transaction_.meta.clear();
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
