// What a committed transaction tells: to the loop, as immutable ledgers, and to the witness.
#include <utility>

#include "agent/journal.hpp"

namespace meterbox::agent {

namespace {

constexpr std::size_t usage_cells_max = 4096;  // kept between transactions, to save reads
// A sync tells all up to moments before it: older marks would do nothing.
constexpr std::size_t untold_marks_max = 1'024;

}  // namespace

void Journal::publish() {
    identities_.committed();
    Publication publication;
    bool raised = take_up_meta();
    for (auto& [key, entry] : entries_) {
        if (!entry.before) continue;
        raised = raised || entry.tranches || entry.ledger.completed() > entry.before->ledger.completed();
        publication.ledgers.push_back(std::make_shared<const core::ResourceLedger>(entry.ledger));
        if (entry.metered_by_sessions > core::Amount{})
            publication.metered_by_sessions.emplace_back(key, entry.metered_by_sessions);
        entry.before.reset();
        static_cast<Touched&>(entry) = {};
    }
    if (cells_.size() > usage_cells_max) cells_.clear();
    publication.events = transaction_.events;
    publication.at = transaction_.events_at;
    publication.pending_usage_rows = standing_.pending_usage_rows;
    high_water_ = std::max(high_water_, transaction_.mark);
    clock_.reset();
    if (chain_.closed()) {
        chain_.committed();
        start_.start.reset();
        change_ = chain_.head().sequence;
    }
    if (raised && !suspicion_) bear_witness();
    note_metered();
    publication.suspicion = suspicion_;
    transaction_ = {};
    const std::lock_guard lock(publications_mutex_);
    publications_.push_back(std::move(publication));
}

void Journal::note_metered() {
    if (transaction_.metered) {
        transaction_.metered->sequence = chain_.head().sequence;
        metered_untold_.push_back(*transaction_.metered);
        if (metered_untold_.size() > untold_marks_max) metered_untold_.pop_front();
    }
    std::optional<MeteredMark> told;
    while (!metered_untold_.empty() && metered_untold_.front().sequence <= standing_.settled) {
        told = metered_untold_.front();
        metered_untold_.pop_front();
    }
    if (told) metered_mark_.write(*told);
}

std::vector<Publication> Journal::take_publications() {
    const std::lock_guard lock(publications_mutex_);
    return std::exchange(publications_, {});
}

std::vector<LedgerView> Journal::ledgers() const {
    std::vector<LedgerView> views;
    for (const auto& [key, entry] : entries_)
        views.push_back(std::make_shared<const core::ResourceLedger>(entry.ledger));
    return views;
}

}  // namespace meterbox::agent
