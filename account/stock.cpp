#include "account/stock.hpp"

#include <algorithm>
#include <limits>

namespace meterbox::account {

using core::Units;

void Stock::add(const std::string& resource, std::span<const Tranche> in_draw_order, core::UtcTime now) {
    const auto [added, is_new] = sources_.try_emplace(resource);
    if (!is_new) return;
    Sources& sources = added->second;
    for (const Tranche& tranche : in_draw_order) {
        if (tranche.open() || !tranche.valid_at(now)) continue;
        const Tranche& counted = tranche.pool ? *tranche.pool : tranche;
        const auto [place, counts_anew] = places_.try_emplace(counted.id, left_.size());
        if (counts_anew) left_.push_back(std::max(Units{}, counted.available).value());
        sources.push_back({place->second, tranche.rate});
    }
}

bool Stock::share(const std::string& one, const std::string& other) const {
    return std::ranges::any_of(sources_of(one), [&](const Source& source) {
        const Sources& others = sources_of(other);
        return std::ranges::find(others, source.place, &Source::place) != others.end();
    });
}

Units Stock::beyond(const std::string& resource, std::span<const Claim> line, Rest rest) const {
    struct Waiting {
        const Sources& sources;
        Units need;
        Units could_have;
    };
    std::vector<Waiting> waiting;
    Left without = left_;
    for (const Claim& claim : line) {
        const Sources& sources = sources_of(claim.resource);
        waiting.push_back({sources, claim.need, take(without, sources, claim.need)});
    }
    const Sources& own = sources_of(resource);
    const auto takes_from = [&](const Left& left, const Sources& sources) {
        return std::ranges::any_of(
            sources, [&](const Source& source) { return left[source.place] != left_[source.place]; });
    };
    const auto leaves_enough = [&](Units units) {
        Left left = left_;
        take(left, own, units);
        const Left untouched = left;
        for (const Waiting& one : waiting) {
            const bool lacks = one.could_have < one.need;
            if (rest == Rest::kept && lacks && takes_from(untouched, one.sources)) return false;
            if (take(left, one.sources, one.need) < one.could_have) return false;
        }
        return true;
    };
    Left all = left_;
    Units too_many = take(all, own, Units{std::numeric_limits<std::int64_t>::max()});
    if (leaves_enough(too_many)) return too_many;
    Units enough;
    while (too_many - enough > Units{1}) {
        const Units middle{enough.value() + (too_many - enough).value() / 2};
        (leaves_enough(middle) ? enough : too_many) = middle;
    }
    return enough;
}

Units Stock::take(Left& left, const Sources& sources, Units units) {
    Units taken;
    for (const Source& source : sources) {
        const Units here = std::min(units - taken, Units{left[source.place] / source.price});
        left[source.place] -= here.value() * source.price;
        taken += here;
    }
    return taken;
}

const Stock::Sources& Stock::sources_of(const std::string& resource) const {
    static const Sources none;
    const auto found = sources_.find(resource);
    return found == sources_.end() ? none : found->second;
}

}  // namespace meterbox::account
