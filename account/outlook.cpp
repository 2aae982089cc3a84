// Sums over agents, and over a grant's tranches.
#include "account/outlook.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "account/commands.hpp"
#include "core/account_limits.hpp"
#include "core/gate.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

using core::Amount;

namespace {

__extension__ using Wide = __int128;  // units x their size

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

// When what is valid now is used up or over, one tranche after the other; none: not that anybody could see.
std::optional<core::UtcTime> drained_at(const core::Card& card, std::span<const Tranche> tranches,
                                        Amount rate, core::UtcTime now) {
    Wide owed = Wide{card.overage_units.value()} * card.unit_size.value() + card.remainder.value();
    core::UtcTime at = now;
    for (const Tranche& tranche : tranches) {
        if (!tranche.valid_at(now) || tranche.open() || (tranche.ends_at && *tranche.ends_at <= at)) continue;
        const Wide there = Wide{tranche.unspent().value()} * card.unit_size.value();
        const Wide taken = std::min(there, owed);
        owed -= taken;
        const Amount rest{static_cast<std::int64_t>(std::clamp<Wide>(there - taken, 0, most))};
        const auto lasts = core::lasts_ms(rest, rate);
        const bool seen = lasts && *lasts <= core::limits::forecast_ms_max;
        if (!seen && !tranche.ends_at) return std::nullopt;
        const core::UtcTime used_up = seen ? at + *lasts : *tranche.ends_at;
        at = tranche.ends_at ? std::min(used_up, *tranche.ends_at) : used_up;
    }
    return at;
}

bool is_used_up(const core::Card& card) {
    return card.kind == core::Kind::exhaustible && core::counts(card.enforcement) && !card.payg_open &&
           (card.state == core::BalanceState::ok || card.state == core::BalanceState::low);
}

}  // namespace

void set_exhausts_at(Database& database, Pool& pool, std::vector<core::Card>& cards, core::UtcTime now) {
    std::map<std::string, std::int64_t> rates;
    database.each(
        "SELECT resource, rate_per_hour FROM agent JOIN agent_resource AS r ON r.agent = agent.id AND "
        "r.incarnation = agent.incarnation WHERE team = ? AND state = 'active' AND last_sync_at > ?",
        [&](auto& row) {
            std::int64_t& rate = rates[row.string(0)];
            if (__builtin_add_overflow(rate, row.integer(1), &rate)) rate = most;
        },
        pool.team(), now + -core::day_ms);
    for (core::Card& card : cards) {
        if (!is_used_up(card)) continue;
        const Amount rate{rates[card.resource]};
        if (rate == Amount{}) continue;
        const auto drained = drained_at(card, pool.of(card.resource), rate, now);
        const auto over = [&](std::optional<core::UtcTime> end) { return end && *drained >= *end; };
        if (drained && !over(card.ends_at) && !over(card.refreshes_at)) card.exhausts_at = drained;
    }
}

boost::json::array expiries_json(Database& database, const std::string& team, core::UtcTime now) {
    boost::json::array list;
    database.each(
        "SELECT id, tier, coalesce(resource, ''), ends_at, (SELECT purchased - charged - in_doubt - expired "
        "FROM tranche WHERE grant_id = grant_.id AND resource = coalesce(grant_.resource, '') AND ended = 0 "
        "AND coalesce(ends_at, ?2 + 1) > ?2 ORDER BY starts_at LIMIT 1) FROM grant_ WHERE team = ?1 AND "
        "ended_at IS NULL AND ends_at > ?2 AND ends_at <= ?3 ORDER BY ends_at, id",
        [&](auto& row) {
            boost::json::object expiry{{"grant", grant_name(row.integer(0))},
                                       {"tier", row.string(1)},
                                       {"resource", nullptr},
                                       {"units", nullptr},
                                       {"tokens", nullptr},
                                       {"ends_at", core::format_rfc3339({row.integer(3)})}};
            const bool tokens = row.text(2).empty();
            if (!tokens) expiry["resource"] = row.string(2);
            if (!row.is_null(4)) expiry[tokens ? "tokens" : "units"] = row.integer(4);
            list.push_back(std::move(expiry));
        },
        team, now, now + core::limits::expiries_ahead_ms);
    return list;
}

}  // namespace meterbox::account
