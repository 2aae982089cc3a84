#include "core/forecast.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::core {

namespace {

__extension__ using Wide = __int128;
// How much a lease may grant is the account's word: beyond this it lasts for good.
constexpr Wide more_max = Wide{1} << 61;

// What is still to come of a lease, as time passes and usage takes it.
class Outlook {
public:
    Outlook(const ResourceLedger& ledger, const Supply& supply, Amount running, Now now)
        : tranches_(ledger.tranches()),
          unit_(ledger.resource().unit_size),
          usage_(ledger.remainder() + running),
          spend_until_(supply.spend_until),
          begins_(now) {
        for (const Tranche& tranche : tranches_) left_.push_back(tranche.left());
        draw(ledger.overage_units());
        if (is_stale()) rest_ = std::max(Amount{}, standing(ledger, supply, running, now).available);
    }

    std::int64_t passed() const { return passed_; }

    Amount available() const {
        Units valid;
        for (std::size_t i = 0; i < tranches_.size(); ++i)
            if (tranches_[i].valid(now())) valid += left_[i];
        const Wide covered = Wide{std::max<std::int64_t>(0, (valid - waiting_).value())} * unit_.value();
        const Wide more = std::clamp<Wide>(covered - usage_.value(), 0, more_max);
        const Amount available{static_cast<std::int64_t>(more)};
        return rest_ ? std::min(available, *rest_) : available;
    }

    // The next moment at which a tranche begins or ends, or the lease becomes stale; in ms from the first.
    std::optional<std::int64_t> next_turn() const {
        std::optional<std::int64_t> next;
        const auto at = [&next, this](std::int64_t ms) {
            if (ms > passed_) next = std::min(ms, next.value_or(ms));
        };
        if (spend_until_) at(*spend_until_ - begins_.latest);
        for (std::size_t i = 0; i < tranches_.size(); ++i) {
            if (left_[i] == Units{}) continue;
            at(tranches_[i].valid_from - begins_.earliest);
            if (tranches_[i].ends_at) at(*tranches_[i].ends_at - begins_.latest);
        }
        return next;
    }

    // Requires that so much is available.
    void use(Amount used, std::int64_t until_ms) {
        METERBOX_ASSERT(used <= available());
        const bool was_stale = is_stale();
        usage_ += used;
        draw(Units{usage_.value() / unit_.value()});
        usage_ = Amount{usage_.value() % unit_.value()};
        if (rest_) *rest_ = *rest_ - used;
        passed_ = until_ms;
        draw({});
        if (is_stale() && !was_stale) rest_ = usage_ == Amount{} ? Amount{} : unit_ - usage_;
    }

private:
    Now now() const { return {begins_.earliest + passed_, begins_.latest + passed_}; }
    bool is_stale() const { return spend_until_ && now().latest >= *spend_until_; }

    void draw(Units units) {
        waiting_ += units;
        for (std::size_t i = 0; i < tranches_.size() && waiting_ > Units{}; ++i) {
            if (!tranches_[i].valid(now())) continue;
            const Units here = std::min(waiting_, left_[i]);
            left_[i] = left_[i] - here;
            waiting_ = waiting_ - here;
        }
    }

    const std::vector<Tranche>& tranches_;
    std::vector<Units> left_;
    Amount unit_;
    Amount usage_;                // of the unit in progress
    Units waiting_;               // overage
    std::optional<Amount> rest_;  // of what had begun when the lease became stale
    std::optional<UtcTime> spend_until_;
    Now begins_;
    std::int64_t passed_ = 0;
};

}  // namespace

std::optional<std::int64_t> lease_lasts_ms(const ResourceLedger& ledger, const Supply& supply, Amount running,
                                           Amount rate_per_hour, Now now) {
    if (rate_per_hour <= Amount{}) return std::nullopt;
    if (supply.suspect) return 0;
    Outlook outlook(ledger, supply, running, now);
    for (;;) {
        const Amount available = outlook.available();
        const Wide lasts = outlook.passed() + Wide{available.value()} * hour_ms / rate_per_hour.value();
        const auto turn = outlook.next_turn();
        if (available == Amount{} || !turn || lasts < *turn) {
            if (lasts > Wide{limits::forecast_ms_max}) return std::nullopt;
            return static_cast<std::int64_t>(lasts);
        }
        const Wide used = Wide{rate_per_hour.value()} * (*turn - outlook.passed()) / hour_ms;
        outlook.use(Amount{static_cast<std::int64_t>(used)}, *turn);
    }
}

namespace {

struct Part {
    Units units;
    std::optional<UtcTime> ends_at;
};

// What a tier has, as it is drawn: its turns are in that order, and what never ends comes last.
std::vector<Part> parts_of(const CardTier& tier, UtcTime now) {
    std::vector<Part> parts;
    for (const CardTurn& turn : tier.turns)
        if (!turn.begins_at || *turn.begins_at <= now) parts.push_back({turn.available_units, turn.at});
    Units rest = *tier.available_units;
    for (Part& part : parts) {
        part.units = std::min(part.units, rest);
        rest = rest - part.units;
    }
    if (parts.empty() || rest > Units{}) parts.push_back({rest, tier.ends_at});
    return parts;
}

}  // namespace

std::optional<std::int64_t> card_lasts_ms(const Card& card, Amount rate_per_hour, UtcTime now) {
    if (rate_per_hour <= Amount{}) return std::nullopt;
    Wide owed = card.remainder.value();
    UtcTime at = now;
    for (const CardTier& tier : card.tiers) {
        if (!tier.available_units) continue;
        for (const Part& part : parts_of(tier, now)) {
            if (part.ends_at && *part.ends_at <= at) continue;
            const Wide there = Wide{part.units.value()} * card.unit_size.value();
            const Wide taken = std::min(there, owed);
            owed -= taken;
            const Amount rest{static_cast<std::int64_t>(std::clamp<Wide>(there - taken, 0, more_max))};
            const auto lasts = lasts_ms(rest, rate_per_hour);
            if (!lasts && !part.ends_at) return std::nullopt;
            const UtcTime used_up = lasts ? at + *lasts : *part.ends_at;
            at = part.ends_at ? std::min(used_up, *part.ends_at) : used_up;
        }
    }
    if (card.refreshes_at && now < *card.refreshes_at && at >= *card.refreshes_at) return std::nullopt;
    return at - now;
}

}  // namespace meterbox::core
