#include "agent/journal.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/assert.hpp"
#include "core/mutant.hpp"

namespace meterbox::agent {

namespace {

constexpr std::string_view settled_key = "settled_change";

template <class T>
T required(core::Result<T> result) {
    if (!result) throw std::runtime_error(result.error().detail);
    return std::move(*result);
}

void required(const core::Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().detail);
}

// Those that changed, by place: an agent of many years has many that are over.
std::vector<std::size_t> changed_tranches(const core::ResourceLedger& before,
                                          const core::ResourceLedger& after) {
    std::vector<std::size_t> changed;
    for (std::size_t i = 0; i < after.tranches().size(); ++i)
        if (i >= before.tranches().size() || before.tranches()[i] != after.tranches()[i])
            changed.push_back(i);
    return changed;
}

core::ResourceTotals totals_of(const core::ResourceLedger& ledger, const std::vector<std::size_t>& places) {
    core::ResourceTotals totals{ledger.resource().key, ledger.metered(), {}};
    for (const std::size_t place : places) {
        const core::Tranche& tranche = ledger.tranches()[place];
        totals.tranches.push_back({tranche.id, tranche.granted, tranche.used, tranche.returned});
    }
    return totals;
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, JournalHooks hooks)
    : Journal(open_journal_database(path), path, std::move(hooks)) {}

Journal::Journal(OpenedDatabase opened, const std::filesystem::path& path, JournalHooks hooks)
    : path_(path),
      hooks_(std::move(hooks)),
      connection_(std::move(opened.connection)),
      tables_(*connection_),
      identities_(*connection_),
      chain_(*connection_),
      witness_(path.string() + "-witness"),
      reserve_(path.string() + "-reserve", hooks_.space),
      metered_mark_(hooks_.metered_mark) {
    meta_ = required(tables_.meta());
    for (StoredResource& stored : required(tables_.resources())) {
        const std::string key = stored.ledger.resource().key;
        keys_.emplace(stored.id, key);
        if (stored.high_water && (!high_water_ || *stored.high_water > *high_water_))
            high_water_ = stored.high_water;
        Counters counters{std::move(stored.ledger), stored.high_water, stored.former};
        entries_.emplace(key, Entry(stored.id, std::move(counters)));
    }
    standing_.incarnation = meta_number("incarnation", 1);
    const auto settled = meta_.find(std::string(settled_key));
    if (settled != meta_.end()) standing_.settled = std::stoll(settled->second);
    load_clock();
    required(chain_.load());
    metered_elsewhere_ = metered_mark_.read();
    if (metered_elsewhere_ && metered_elsewhere_->sequence <= chain_.head().sequence)
        metered_elsewhere_.reset();
    change_ = std::max(required(tables_.newest_change(standing_.settled)), chain_.head().sequence);
    required(prepare_start());
    standing_.pending_usage_rows = required(tables_.pending_usage_rows());
    load_holders();
    doubt();
    begin_anew(opened.damage);
}

// Written with the first commit, and as it was before that: what a start found, and 8 bytes that no other
// start has.
core::Result<void> Journal::prepare_start() {
    auto random = connection_->prepare("SELECT randomblob(8)");
    if (!random) return random.error();
    auto row = random->query();
    if (const auto found = row.next(); !found) return found.error();
    const platform::sqlite::Blob bytes = row.blob(0);
    core::StartMark& mark = start_.start.emplace();
    METERBOX_ASSERT(bytes.size() == mark.size());
    for (std::size_t i = 0; i < mark.size(); ++i) mark[i] = std::to_integer<std::uint8_t>(bytes[i]);
    take_totals_at_start();
    return {};
}

void Journal::take_totals_at_start() {
    start_.resources.clear();
    for (const auto& [key, entry] : entries_) {
        // Without what the transaction has changed by now, in which a start may be marked: but an incarnation
        // that it began has no totals of before.
        const bool before = entry.before && !transaction_.link.incarnation;
        const core::ResourceLedger& ledger = before ? entry.before->ledger : entry.ledger;
        std::vector<std::size_t> all(ledger.tranches().size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        start_.resources.push_back(totals_of(ledger, all));
    }
}

core::Result<void> Journal::begin() {
    METERBOX_ASSERT(!transaction_.trouble);
    transaction_ = {};
    transaction_.before = standing_;
    transaction_.writes_before = connection_->total_changes();
    chain_.begin();
    if (connection_->damaged())
        return judged(core::Error{core::ErrorCode::storage, path_.string() + " is damaged", {}, {}});
    return judged(connection_->begin());
}

core::Result<void> Journal::commit() {
    flush();
    auto committed =
        judged(transaction_.trouble ? core::Result<void>(*transaction_.trouble) : connection_->commit());
    if (committed) publish();
    return committed;
}

void Journal::rollback() noexcept {
    connection_->rollback();
    identities_.rolled_back();
    for (auto& [key, entry] : entries_) {
        if (entry.before) static_cast<Counters&>(entry) = std::move(*entry.before);
        entry.before.reset();
        static_cast<Touched&>(entry) = {};
    }
    for (auto undo = transaction_.counted.rbegin(); undo != transaction_.counted.rend(); ++undo)
        count_holder(undo->first, undo->second.first, !undo->second.second);
    for (const std::string& key : transaction_.added) {
        keys_.erase(entries_.at(key).id);
        entries_.erase(key);
    }
    cells_.clear();
    if (transaction_.before) standing_ = std::move(*transaction_.before);
    transaction_ = {};
    if (start_.start) take_totals_at_start();  // it was marked in the midst of what is undone
}

void Journal::must(const core::Result<void>& done) {
    if (!done && !transaction_.trouble) transaction_.trouble = done.error();
}

std::int64_t Journal::must(const core::Result<std::int64_t>& done) {
    if (done) return *done;
    must(core::Result<void>(done.error()));
    return 0;
}

Journal::Entry& Journal::touch(Entry& entry) {
    if (!entry.before) entry.before = static_cast<const Counters&>(entry);
    return entry;
}

void Journal::settle(const std::vector<UsageKey>& usage, std::int64_t change) {
    const std::int64_t heard = METERBOX_MUTANT(settled_unheard) ? change + 1'000 : change;
    for (const UsageKey& key : usage) {
        standing_.pending_usage_rows -= must(tables_.settle_usage(key, heard));
        const auto known = cells_.find(key);  // it may have been settled: mark it again with its next change
        if (known != cells_.end()) known->second.pending = false;
    }
    if (change > standing_.settled) {
        standing_.settled = change;
        set_meta(settled_key, std::to_string(change));
    }
}

void Journal::tell_again_after(std::int64_t change) {
    if (change >= standing_.settled || METERBOX_MUTANT(forgotten_untold)) return;
    set_meta(settled_key, std::to_string(standing_.settled = change));
    standing_.pending_usage_rows += must(tables_.mark_pending_after(change, standing_.incarnation));
}

void Journal::forgot_events(std::int64_t last) {
    transaction_.link.forgotten = last;
}

void Journal::set_meta(std::string_view key, std::string_view value) {
    must(tables_.set_meta(key, value));
    transaction_.meta.insert_or_assign(std::string(key), std::string(value));
}

void Journal::flush() {
    must(identities_.flush());
    for (auto& [key, entry] : entries_) {
        if (entry.metered) entry.high_water = std::max(entry.high_water, transaction_.mark);
        if (entry.metered && !METERBOX_MUTANT(metered_unsaved))
            must(tables_.save_metered(entry.id, entry.ledger.metered(), entry.former, entry.high_water));
        if (!entry.tranches) continue;
        const std::vector<core::Tranche>& tranches = entry.ledger.tranches();
        for (const std::size_t i : changed_tranches(entry.before->ledger, entry.ledger))
            must(tables_.save_tranche(entry.id, static_cast<std::int64_t>(i), tranches[i]));
    }
    save_usage();
    save_mark();
    link();
}

// A transaction that wrote nothing has no link, and costs no write: a refused report, say.
void Journal::link() {
    if (!start_.start && connection_->total_changes() == transaction_.writes_before) return;
    core::LinkState& state = transaction_.link;
    if (start_.start) {
        state.start = start_.start;
        state.resources = start_.resources;
    }
    for (const auto& [key, entry] : entries_)
        if (entry.metered || entry.tranches)
            state.resources.push_back(
                totals_of(entry.ledger, changed_tranches(entry.before->ledger, entry.ledger)));
    must(chain_.close(change_ + 1, state));
}

}  // namespace meterbox::agent
