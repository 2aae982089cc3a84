// What the loop knows of each resource's balance: the ledger as it was last committed, what the
// account said, and what sessions have run that is not in the ledger yet. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/journal.hpp"
#include "core/gate.hpp"

namespace meterbox::agent {

struct Balance {
    LedgerView ledger;
    core::Supply supply;
    core::Amount in_flight;  // slices of sessions, submitted and not yet committed
    bool asked = false;      // more was asked for since the lease in force was taken up
};

class Balances {
public:
    using Map = std::map<std::string, Balance, std::less<>>;

    explicit Balances(const std::vector<LedgerView>& ledgers, const std::optional<Suspicion>& suspicion = {});

    // After a commit. Returns the keys whose ledgers changed.
    std::vector<std::string> publish(const std::vector<Publication>& publications);

    Balance* find(std::string_view resource);  // null: not in the catalogue
    Map& all() { return balances_; }
    const Map& all() const { return balances_; }
    bool empty() const { return balances_.empty(); }
    // Why the journal is doubted, if it is.
    const std::optional<Suspicion>& suspicion() const { return suspicion_; }

    // The account's last answer couldn't be stored; empty: it could.
    const std::string& storage_error() const { return storage_error_; }
    void note_storage(std::string error) { storage_error_ = std::move(error); }

    // The account was put back from a copy, and gives nothing before it has heard all of the team's agents.
    bool account_learns() const { return account_learns_; }
    void note_learning(bool learns) { account_learns_ = learns; }

    // Why the account doesn't serve this agent before somebody has done what these words say; empty: it may.
    const std::string& turned_away() const { return turned_away_; }
    void note_turned_away(std::string why) { turned_away_ = std::move(why); }

    std::int64_t events_taken() const { return events_taken_; }
    std::optional<core::UtcTime> first_event() const { return first_event_; }  // taken since the start
    // As the journal counted them last; none: nothing was committed since the start.
    std::optional<std::int64_t> pending_usage_rows() const { return pending_usage_rows_; }

private:
    void suspect(const std::optional<Suspicion>& suspicion);

    Map balances_;
    std::optional<Suspicion> suspicion_;
    std::string storage_error_;
    std::string turned_away_;
    bool account_learns_ = false;
    std::int64_t events_taken_ = 0;
    std::optional<core::UtcTime> first_event_;
    std::optional<std::int64_t> pending_usage_rows_;
};

}  // namespace meterbox::agent
