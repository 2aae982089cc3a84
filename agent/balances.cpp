#include "agent/balances.hpp"

#include <algorithm>

namespace meterbox::agent {

Balances::Balances(const std::vector<LedgerView>& ledgers, const std::optional<Suspicion>& suspicion) {
    for (const LedgerView& ledger : ledgers) balances_[ledger->resource().key].ledger = ledger;
    suspect(suspicion);
    if (suspicion && suspicion->cause == Suspicion::Cause::fenced) turned_away_ = suspicion->detail;
}

void Balances::suspect(const std::optional<Suspicion>& suspicion) {
    suspicion_ = suspicion;
    for (auto& [key, balance] : balances_) balance.supply.suspect = suspicion.has_value();
}

std::vector<std::string> Balances::publish(const std::vector<Publication>& publications) {
    std::vector<std::string> changed;
    for (const Publication& publication : publications) {
        if (publication.events > 0 && !first_event_) first_event_ = publication.at;
        events_taken_ += publication.events;
        pending_usage_rows_ = publication.pending_usage_rows;
        for (const LedgerView& ledger : publication.ledgers) {
            const std::string& key = ledger->resource().key;
            balances_[key].ledger = ledger;
            if (std::find(changed.begin(), changed.end(), key) == changed.end()) changed.push_back(key);
        }
        for (const auto& [key, amount] : publication.metered_by_sessions) balances_[key].in_flight -= amount;
        if (suspicion_ || publication.suspicion) suspect(publication.suspicion);
    }
    return changed;
}

Balance* Balances::find(std::string_view resource) {
    const auto found = balances_.find(resource);
    return found == balances_.end() ? nullptr : &found->second;
}

}  // namespace meterbox::agent
