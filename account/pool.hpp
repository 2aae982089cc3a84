// A team's tranches, loaded for one transaction: what has not ended, in draw order, and what ended if
// it was asked for. All changes go through the ledger; this is where rules find the tranches. Pools of
// tokens aren't among them: what is found are the units of each resource out of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "account/cards.hpp"
#include "account/database.hpp"
#include "account/ledger.hpp"
#include "account/tranche.hpp"
#include "core/error.hpp"

namespace meterbox::account {

class Pool {
public:
    // Those that have not ended, as far as anybody has looked (expire_ended).
    Pool(Database& database, std::string team);

    // Of a resource, in draw order.
    std::span<Tranche> of(const std::string& resource);
    // Of this team; loaded when it ended before. Null: no such tranche. Pointers and spans hold until
    // the next call that loads one.
    Tranche* find(std::int64_t id);
    // Makes the tranches of cycles that have begun since anybody looked, and of those to come next; and of
    // pools of tokens. invalid: this machine doesn't know a grant's zone any more.
    [[nodiscard]] core::Result<void> begin_cycles(Ledger& ledger);
    // Moves to expired what is unleased of each tranche that has ended.
    void expire_ended(Ledger& ledger);
    // An operator ends a grant: nothing more is leased of it. What is leased already, leases name no more.
    void end_grant(Ledger& ledger, std::int64_t grant);

    // Anew, after another has moved its units.
    void load();

    // Whether the team ever had a grant of the resource.
    bool had_grants(const std::string& resource);

    // What its agents have left over of a resource, all together.
    const PoolTotals& totals(const std::string& resource);
    // What one agent's figures, which are written, have changed of that.
    void add_to_totals(const std::string& resource, core::Amount remainder, core::Units overage,
                       core::Units held);

    const std::string& team() const { return team_; }
    // What is unleased isn't known: nothing is granted, booked or settled out of it (I16).
    bool learning() const { return learning_; }

private:
    friend class KeptPool;
    Tranche* known(std::int64_t id);
    void expire_where(Ledger& ledger, const std::function<bool(const Tranche&)>& over);
    bool has_ended() const;
    void add(Tranche tranche, std::optional<std::int64_t> pool);
    std::shared_ptr<Tranche> pool_of_tokens(std::int64_t id);

    Database& database_;
    std::string team_;
    bool learning_ = false;
    std::map<std::string, std::vector<Tranche>> by_resource_;
    std::map<std::int64_t, std::shared_ptr<Tranche>> pools_;  // of tokens
    std::map<std::string, PoolTotals> totals_;
    Database::Moment totals_at_;
};

// The pool of the team that was served last, as that left it: many agents of one team sync in one
// transaction.
class KeptPool {
public:
    // Loaded, unless it is the kept one and nobody has written to its tables since done().
    Pool& of(Database& database, const std::string& team);
    void done();

private:
    struct Moments {
        Database::Moment tranches, grants;
        friend bool operator==(const Moments&, const Moments&) = default;
    };
    static Moments now_in(Database& database);

    std::optional<Pool> pool_;
    std::optional<Moments> done_at_;
};

}  // namespace meterbox::account
