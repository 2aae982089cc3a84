#include "core/ledger.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/assert.hpp"
#include "core/mutant.hpp"

namespace meterbox::core {

namespace {
// M stays far from the end of its range, so that no sum of figures can overflow.
constexpr std::int64_t metered_max = std::int64_t{1} << 61;
constexpr std::int64_t reported_max = std::int64_t{1} << 60;

// What so many units cover, held at a figure beyond every M: how much a lease may grant is the
// account's word, and must not be able to stop the agent.
Amount coverage(Units units, Amount unit_size) {
    constexpr Amount beyond{metered_max * 2};
    std::int64_t product = 0;
    if (__builtin_mul_overflow(units.value(), unit_size.value(), &product)) return beyond;
    return std::min(Amount{product}, beyond);
}

Tranche tranche_of(const LeaseTranche& leased) {
    Tranche tranche;
    tranche.id = leased.tranche;
    tranche.tier = leased.tier;
    tranche.granted = leased.granted;
    tranche.valid_from = leased.valid_from;
    tranche.ends_at = leased.ends_at;
    tranche.final = leased.final;
    tranche.payg_capped = leased.payg_capped;
    tranche.payg_open = leased.payg_open;
    return tranche;
}

auto find_tranche(std::vector<Tranche>& tranches, const std::string& id) {
    return std::find_if(tranches.begin(), tranches.end(), [&id](const Tranche& t) { return t.id == id; });
}
}  // namespace

ResourceLedger::ResourceLedger(Resource resource, Amount metered, std::vector<Tranche> tranches)
    : resource_(std::move(resource)), metered_(metered), tranches_(std::move(tranches)) {
    check();
}

Units ResourceLedger::completed() const {
    return Units{metered_.value() / resource_.unit_size.value()};
}

Amount ResourceLedger::remainder() const {
    return Amount{metered_.value() % resource_.unit_size.value()};
}

Units ResourceLedger::used() const {
    Units sum;
    for (const Tranche& tranche : tranches_) sum += tranche.used;
    return sum;
}

Units ResourceLedger::leased(Now now) const {
    Units sum;
    for (const Tranche& tranche : tranches_)
        if (tranche.valid(now)) sum += tranche.left();
    return sum;
}

bool ResourceLedger::may_be_leased(Now now) const {
    return std::any_of(tranches_.begin(), tranches_.end(), [now](const Tranche& tranche) {
        return tranche.may_be_valid(now) && tranche.left() > Units{};
    });
}

Amount ResourceLedger::overage(Now now) const {
    return std::max(Amount{}, metered_ - coverage(used() + leased(now), resource_.unit_size));
}

Amount ResourceLedger::available(Now now) const {
    // A tranche may have begun whose units nobody has given to the overage yet: it takes them first (I5).
    const Units free = std::max(Units{}, leased(now) - overage_units());
    return std::max(Amount{}, coverage(free, resource_.unit_size) - remainder());
}

Units ResourceLedger::spendable(Now now) const {
    const Units in_progress{remainder() > Amount{} ? 1 : 0};
    return std::max(Units{}, leased(now) - in_progress);
}

bool ResourceLedger::holds_open_payg(Now now) const {
    return std::any_of(tranches_.begin(), tranches_.end(), [now](const Tranche& tranche) {
        return tranche.payg_open && tranche.valid(now) && tranche.left() > Units{};
    });
}

Amount ResourceLedger::exposure(Now now) const {
    Units open;
    for (const Tranche& tranche : tranches_)
        if (tranche.payg_open && tranche.valid(now)) open += tranche.left();
    return std::min(available(now), coverage(open, resource_.unit_size));
}

Units ResourceLedger::begun(Amount running) const {
    const Amount usage = remainder() + running;
    const std::int64_t unit = resource_.unit_size.value();
    return Units{usage.value() / unit + (usage.value() % unit != 0 ? 1 : 0)};
}

Units ResourceLedger::returnable(Units keep, Now now) const {
    Units limited;
    for (const Tranche& tranche : tranches_)
        if (!tranche.payg_open && tranche.valid(now)) limited += tranche.left();
    return std::max(Units{}, METERBOX_MUTANT(unit_in_use_returned) ? limited : limited - keep);
}

Units ResourceLedger::held_beyond(Now now) const {
    return std::max(Units{}, held_ - leased(now));
}

Units ResourceLedger::kept_beyond(Units keep) const {
    Units left;
    for (const Tranche& tranche : tranches_) left += tranche.left();
    return std::max(Units{}, left - keep);
}

void ResourceLedger::hold(Units units) {
    METERBOX_ASSERT(units > Units{});
    held_ += units;
}

void ResourceLedger::let_go(Units units) {
    METERBOX_ASSERT(units > Units{} && units <= held_);
    held_ -= units;
}

bool ResourceLedger::can_meter(Amount amount) const {
    return amount.value() >= 0 && amount.value() <= reported_max - metered_.value();
}

void ResourceLedger::record(Amount amount) {
    METERBOX_ASSERT(amount.value() >= 0 && amount.value() <= metered_max - metered_.value());
    metered_ += amount;
}

std::vector<Completion> ResourceLedger::meter(Amount amount, Now now) {
    record(amount);
    return settle_overage(now);
}

std::vector<Completion> ResourceLedger::take_lease(const LeaseResource& lease, Now now) {
    METERBOX_ASSERT(lease.unit_size == resource_.unit_size);
    std::vector<Tranche> ordered;
    ordered.reserve(lease.tranches.size() + tranches_.size());
    for (const LeaseTranche& leased : lease.tranches) {
        METERBOX_ASSERT(find_tranche(ordered, leased.tranche) ==
                        ordered.end());  // its slots would count twice
        Tranche tranche = tranche_of(leased);
        const auto known = find_tranche(tranches_, leased.tranche);
        if (known != tranches_.end()) {
            tranche.granted = std::max(known->granted, leased.granted);
            tranche.used = known->used;
            tranche.returned = known->returned;
            tranches_.erase(known);
        }
        ordered.push_back(std::move(tranche));
    }
    for (Tranche& unnamed : tranches_) {
        unnamed.ends_at = unnamed.valid_from;  // valid at no time
        ordered.push_back(std::move(unnamed));
    }
    tranches_ = std::move(ordered);
    return settle_overage(now);
}

std::vector<Completion> ResourceLedger::settle_overage(Now now) {
    std::vector<Completion> completions;
    Units waiting = overage_units();
    for (std::size_t i = 0; i < tranches_.size() && waiting > Units{}; ++i) {
        Tranche& tranche = tranches_[i];
        if (!tranche.valid(now) && !METERBOX_MUTANT(ended_tranche_drawn)) continue;
        const Units taken = std::min(waiting, tranche.left());
        if (taken == Units{}) continue;
        tranche.used += taken;
        waiting -= taken;
        completions.push_back({i, taken});
    }
    check();
    return completions;
}

Units ResourceLedger::give_back(Units keep, Now now) {
    const Units given = returnable(keep, now);
    Units left = given;
    for (auto tranche = tranches_.rbegin(); tranche != tranches_.rend() && left > Units{}; ++tranche) {
        if (tranche->payg_open || !tranche->valid(now)) continue;
        const Units here = std::min(left, tranche->left());
        tranche->returned += here;
        left -= here;
    }
    check();
    return given;
}

Units ResourceLedger::give_back_beyond(Units keep, Now now) {
    Units given;
    for (const bool valid : {true, false}) {
        for (Tranche& tranche : tranches_) {
            if (tranche.valid(now) != valid) continue;
            const Units here = std::min(keep, tranche.left());
            keep -= here;
            const Units back = tranche.left() - here;
            tranche.returned += back;
            given += back;
        }
    }
    check();
    return given;
}

void ResourceLedger::describe(const Resource& resource) {
    METERBOX_ASSERT(resource.key == resource_.key && resource.unit_size == resource_.unit_size &&
                    resource.measure == resource_.measure && resource.kind == resource_.kind);
    resource_ = resource;
}

void ResourceLedger::hand_over() {
    for (Tranche& tranche : tranches_) tranche.returned += tranche.left();
    check();
}

void ResourceLedger::check() const {
    METERBOX_ASSERT(resource_.unit_size > Amount{});
    METERBOX_ASSERT(metered_ >= Amount{});
    for (const Tranche& tranche : tranches_) {
        METERBOX_ASSERT(tranche.used >= Units{} && tranche.returned >= Units{});
        METERBOX_ASSERT(tranche.left() >= Units{});
    }
    METERBOX_ASSERT(overage_units() >= Units{});
}

}  // namespace meterbox::core
