// What a committed transaction tells: to the loop, as immutable ledgers, and to the witness.
#include <utility>

#include "agent/journal.hpp"

namespace meterbox::agent {

namespace {

constexpr std::size_t usage_cells_max = 4096;  // kept between transactions, to save reads

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
    if (transaction_.metered) {
        transaction_.metered->sequence = chain_.head().sequence;
        metered_mark_.write(*transaction_.metered);
    }
    publication.suspicion = suspicion_;
    transaction_ = {};
    const std::lock_guard lock(publications_mutex_);
    publications_.push_back(std::move(publication));
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
