// Loading tranches, each once.
#include "account/pool.hpp"
#include "core/mutant.hpp"

#include <algorithm>

#include "account/cycles.hpp"
#include "account/learning.hpp"
#include "account/team_sums.hpp"

namespace meterbox::account {

namespace {

#define COLUMNS                                                                                  \
    "SELECT t.id, t.team, t.resource, t.tier, t.purchased, t.available, t.charged, t.in_doubt, " \
    "t.expired, t.leased, t.starts_at, t.ends_at, t.ended, t.rate, t.pool, g.id, g.starts_at, "  \
    "g.ends_at, g.anchor IS NOT NULL FROM tranche AS t JOIN grant_ AS g ON g.id = t.grant_id "

struct Loaded {
    Tranche tranche;
    std::optional<std::int64_t> pool;
};

Loaded loaded_from(platform::sql::Row& row) {
    Tranche tranche;
    tranche.id = row.integer(0);
    tranche.team = row.string(1);
    tranche.resource = row.string(2);
    tranche.tier = core::tier_from(row.text(3)).value_or(core::Tier::free);
    if (!row.is_null(4)) tranche.purchased = core::Units{row.integer(4)};
    tranche.available = core::Units{row.integer(5)};
    tranche.charged = core::Units{row.integer(6)};
    tranche.in_doubt = core::Units{row.integer(7)};
    tranche.expired = core::Units{row.integer(8)};
    tranche.leased = core::Units{row.integer(9)};
    tranche.starts_at = {row.integer(10)};
    if (!row.is_null(11)) tranche.ends_at = core::UtcTime{row.integer(11)};
    tranche.ended = row.integer(12) != 0;
    tranche.rate = row.optional_integer(13).value_or(1);
    tranche.grant = row.integer(15);
    tranche.grant_starts_at = {row.integer(16)};
    if (!row.is_null(17)) tranche.grant_ends_at = core::UtcTime{row.integer(17)};
    tranche.cycles = row.integer(18) != 0;
    return {std::move(tranche), row.optional_integer(14)};
}

}  // namespace

Pool::Pool(Database& database, std::string team)
    : database_(database), team_(std::move(team)), learning_(is_learning(database, team_)) {
    load();
}

void Pool::load() {
    by_resource_.clear();
    pools_.clear();
    std::vector<Loaded> found;  // pools first, for others need them
    database_.each(
        COLUMNS "WHERE t.team = ? AND t.ended = 0 ORDER BY t.resource",
        [&](auto& row) { found.push_back(loaded_from(row)); }, team_);
    for (Loaded& loaded : found) add(std::move(loaded.tranche), loaded.pool);
}

void Pool::add(Tranche tranche, std::optional<std::int64_t> pool) {
    if (tranche.resource.empty()) {
        const std::int64_t id = tranche.id;
        pools_.emplace(id, std::make_shared<Tranche>(std::move(tranche)));
        return;
    }
    if (pool) {
        tranche.pool = pool_of_tokens(*pool);
        tranche.look_into_pool();
    }
    auto& list = by_resource_[tranche.resource];
    const auto place = std::upper_bound(list.begin(), list.end(), tranche, drawn_before);
    list.insert(place, std::move(tranche));
}

std::shared_ptr<Tranche> Pool::pool_of_tokens(std::int64_t id) {
    const auto known = pools_.find(id);
    if (known != pools_.end()) return known->second;
    auto found = database_.first(COLUMNS "WHERE t.id = ?", loaded_from, id);  // one that has ended
    auto pool = std::make_shared<Tranche>(found ? std::move(found->tranche) : Tranche{});
    if (!pool->purchased) pool->purchased = core::Units{};  // it couldn't be read: the job fails
    pools_.emplace(id, pool);
    return pool;
}

std::span<Tranche> Pool::of(const std::string& resource) {
    const auto found = by_resource_.find(resource);
    if (found == by_resource_.end()) return {};
    for (Tranche& tranche : found->second) tranche.look_into_pool();
    return found->second;
}

Tranche* Pool::known(std::int64_t id) {
    for (auto& [resource, list] : by_resource_) {
        for (Tranche& tranche : list) {
            if (tranche.id == id) return &tranche;
        }
    }
    return nullptr;
}

Tranche* Pool::find(std::int64_t id) {
    Tranche* tranche = known(id);
    if (!tranche) {
        auto ended = database_.first(COLUMNS "WHERE t.id = ? AND t.team = ? AND t.resource <> ''",
                                     loaded_from, id, team_);
        if (!ended) return nullptr;
        add(std::move(ended->tranche), ended->pool);
        tranche = known(id);
    }
    tranche->look_into_pool();
    return tranche;
}

core::Result<void> Pool::begin_cycles(Ledger& ledger) {
    const auto made = make_cycles(database_, ledger, team_);
    if (!made) return made.error();
    if (*made) load();
    if (!pools_.empty() && make_units_of_pools(database_, team_)) load();
    return {};
}

void Pool::expire_ended(Ledger& ledger) {
    expire_where(ledger, [now = ledger.now()](const Tranche& tranche) {
        return tranche.ended_at(now) && !METERBOX_MUTANT(end_forgotten);
    });
}

void Pool::end_grant(Ledger& ledger, std::int64_t grant) {
    expire_where(ledger, [grant](const Tranche& tranche) { return tranche.grant == grant; });
}

void Pool::expire_where(Ledger& ledger, const std::function<bool(const Tranche&)>& over) {
    const auto look = [&](Tranche& tranche) {
        if (!tranche.ended && over(tranche)) ledger.expire(tranche);
    };
    for (auto& [id, pool] : pools_) look(*pool);
    for (auto& [resource, list] : by_resource_) {
        for (Tranche& tranche : list) look(tranche);
    }
}

const PoolTotals& Pool::totals(const std::string& resource) {
    const Database::Moment now = database_.moment_of("team_resource");
    if (now != totals_at_) totals_.clear();
    totals_at_ = now;
    const auto known = totals_.find(resource);
    if (known != totals_.end()) return known->second;
    const auto found = database_.first(
        "SELECT remainder, overage_units, held FROM team_resource WHERE team = ? AND resource = ?",
        [](auto& row) {
            return PoolTotals{core::Amount{row.integer(0)}, core::Units{row.integer(1)},
                              core::Units{row.integer(2)}};
        },
        team_, resource);
    return totals_[resource] = found.value_or(PoolTotals{});
}

void Pool::add_to_totals(const std::string& resource, core::Amount remainder, core::Units overage,
                         core::Units held) {
    PoolTotals sum = totals(resource);
    const bool was_full = is_full(sum);
    sum.remainder += remainder;
    sum.overage_units += overage;
    sum.held += held;
    if (was_full || is_full(sum)) return add_up_anew(database_, team_);
    database_.run(
        "UPDATE team_resource SET remainder = remainder + ?, overage_units = overage_units + ?, "
        "held = held + ? WHERE team = ? AND resource = ?",
        remainder, overage, held, team_, resource);
    totals_[resource] = sum;
    totals_at_ = database_.moment_of("team_resource");
}

Pool& KeptPool::of(Database& database, const std::string& team) {
    if (pool_ && pool_->team() == team && done_at_ == now_in(database)) {
        pool_->learning_ = is_learning(database, team);
    } else {
        pool_.emplace(database, team);
    }
    done_at_.reset();
    return *pool_;
}

// One that also has what ended isn't as it would be loaded.
void KeptPool::done() {
    if (!pool_->has_ended()) done_at_ = now_in(pool_->database_);
}

KeptPool::Moments KeptPool::now_in(Database& database) {
    return {database.moment_of("tranche"), database.moment_of("grant_")};
}

bool Pool::has_ended() const {
    const auto ended = [](const Tranche& tranche) { return tranche.ended; };
    return std::ranges::any_of(pools_, [&](const auto& pool) { return ended(*pool.second); }) ||
           std::ranges::any_of(by_resource_,
                               [&](const auto& list) { return std::ranges::any_of(list.second, ended); });
}

bool Pool::had_grants(const std::string& resource) {
    return database_.number(
               "SELECT EXISTS (SELECT 1 FROM tranche WHERE team = ? AND ended IN (0, 1) AND resource = ?)",
               team_, resource) != 0;
}

}  // namespace meterbox::account
