// Loading tranches, each once.
#include "account/pool.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace meterbox::account {

namespace {

#define COLUMNS                                                                                   \
    "SELECT id, team, resource, tier, purchased, available, charged, in_doubt, expired, leased, " \
    "starts_at, ends_at FROM tranche "

Tranche tranche_of(platform::sqlite::Cursor& row) {
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
    return tranche;
}

}  // namespace

Pool::Pool(Database& database, std::string team) : database_(database), team_(std::move(team)) {
    database_.each(
        COLUMNS "WHERE team = ? AND ended = 0",
        [&](auto& row) {
            Tranche tranche = tranche_of(row);
            ending_.push_back(tranche.id);
            add(std::move(tranche));
        },
        team_);
}

void Pool::add(Tranche tranche) {
    auto& list = by_resource_[tranche.resource];
    const auto place = std::upper_bound(list.begin(), list.end(), tranche, drawn_before);
    list.insert(place, std::move(tranche));
}

std::span<Tranche> Pool::of(const std::string& resource) {
    const auto found = by_resource_.find(resource);
    return found == by_resource_.end() ? std::span<Tranche>{} : std::span<Tranche>{found->second};
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
    if (Tranche* tranche = known(id)) return tranche;
    auto ended = database_.first(COLUMNS "WHERE id = ? AND team = ?", tranche_of, id, team_);
    if (!ended) return nullptr;
    add(std::move(*ended));
    return known(id);
}

void Pool::expire_ended(Ledger& ledger) {
    std::erase_if(ending_, [&](std::int64_t id) {
        Tranche* tranche = known(id);
        if (!tranche->ended_at(ledger.now()) || METERBOX_MUTANT(end_forgotten)) return false;
        ledger.expire(*tranche);
        return true;
    });
}

bool Pool::had_grants(const std::string& resource) {
    return database_.number("SELECT EXISTS (SELECT 1 FROM grant_ WHERE team = ? AND resource = ?)", team_,
                            resource) != 0;
}

}  // namespace meterbox::account
