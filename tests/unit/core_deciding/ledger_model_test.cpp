// All short histories of one resource, exhaustively, and many long ones at random: after each step the
// ledger agrees with the model that counts millisecond by millisecond, and I5, I6, I7, I11, I12 hold.
#include <array>
#include <limits>
#include <random>

#include "core/ledger.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"
#include "tests/unit/core_deciding/ledger_model.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::Units;

namespace {

constexpr std::int64_t no_end = std::numeric_limits<std::int64_t>::max();

// Three tranches in three hours: one ends after the first, one never, one starts with the second.
const std::array<LedgerModel::Slots, 3> tranches{
    {{"a", 0, 0, 0, 1}, {"b", 0, 0, 0, no_end}, {"c", 0, 0, 1, 3}}};

struct Step {
    enum class Kind { meter, grant, tick, reverse, drop_first, old_lease };
    Kind kind;
    std::int64_t amount = 0;
    std::size_t tranche = 0;
};

// One history: the ledger, its model, and the lease that the account would send.
class History {
public:
    explicit History(std::int64_t unit)
        : unit_(unit), ledger_(resource_of(unit)), model_(unit), lease_(tranches.begin(), tranches.end()) {}

    void apply(const Step& step) {
        const core::ResourceLedger before = ledger_;
        std::vector<core::Completion> completions;
        switch (step.kind) {
            case Step::Kind::meter:
                completions = ledger_.meter(Amount{step.amount}, at(now_));
                model_.meter(step.amount, now_);
                break;
            case Step::Kind::tick:
                ++now_;
                completions = ledger_.settle_overage(at(now_));
                model_.settle(now_);
                break;
            default:
                completions = lease(step);
        }
        check(before, completions);
    }

private:
    std::vector<core::Completion> lease(const Step& step) {
        std::vector<LedgerModel::Slots> sent = lease_;
        switch (step.kind) {
            case Step::Kind::grant:
                for (LedgerModel::Slots& slots : lease_)
                    if (slots.id == tranches[step.tranche].id) slots.granted += step.amount;
                sent = lease_;
                break;
            case Step::Kind::reverse:
                std::reverse(lease_.begin(), lease_.end());
                sent = lease_;
                break;
            case Step::Kind::drop_first:
                sent.erase(sent.begin());
                break;
            default:
                for (LedgerModel::Slots& slots : sent) slots.granted = 0;
        }
        std::vector<core::LeaseTranche> tranches_sent;
        for (const LedgerModel::Slots& slots : sent) {
            const std::optional<std::int64_t> end =
                slots.until == no_end ? std::optional<std::int64_t>{} : slots.until;
            tranches_sent.push_back(leased(slots.id, core::Tier::free, slots.granted, slots.from, end));
        }
        model_.take(sent, now_);
        return ledger_.take_lease(lease_of(unit_, tranches_sent), at(now_));
    }

    void check(const core::ResourceLedger& before, const std::vector<core::Completion>& completions) const {
        bool good = agrees() && holds_i5() && holds_i7(before) && counted(before, completions);
        for (std::size_t i = 0; i < completions.size(); ++i) {
            good = good && ledger_.tranches()[completions[i].tranche].valid(at(now_));       // I12
            good = good && (i == 0 || completions[i - 1].tranche < completions[i].tranche);  // I11
        }
        if (!good) FAIL("unit " << unit_ << ", metered " << ledger_.metered().value() << ", now " << now_);
    }

    bool agrees() const {
        if (ledger_.tranches().size() != model_.order.size()) return false;
        for (std::size_t i = 0; i < model_.order.size(); ++i) {  // I11: slot by slot, in draw order
            const core::Tranche& tranche = ledger_.tranches()[i];
            const LedgerModel::Slots& slots = model_.order[i];
            if (tranche.id != slots.id || tranche.used.value() != slots.used) return false;
            if (tranche.granted.value() != slots.granted) return false;
        }
        const std::int64_t free = model_.free_slots(now_);
        const std::int64_t reserved = model_.in_progress > 0 && free > 0 ? 1 : 0;  // I6
        return ledger_.metered().value() == model_.metered &&
               ledger_.remainder().value() == model_.in_progress &&
               ledger_.overage_units().value() == model_.waiting &&
               ledger_.leased(at(now_)).value() == free &&
               ledger_.spendable(at(now_)).value() == free - reserved &&
               ledger_.overage(at(now_)).value() == model_.uncovered(now_) &&
               ledger_.available(at(now_)).value() == model_.available(now_);
    }

    bool holds_i5() const {
        const std::int64_t sum =
            unit_ * (ledger_.used() + ledger_.overage_units()).value() + ledger_.remainder().value();
        const bool waits_for_nothing =
            ledger_.overage_units() == Units{} || ledger_.leased(at(now_)) == Units{};
        return ledger_.metered().value() == sum && ledger_.remainder().value() < unit_ && waits_for_nothing;
    }

    bool holds_i7(const core::ResourceLedger& before) const {
        if (ledger_.metered() < before.metered()) return false;
        for (const core::Tranche& old : before.tranches()) {
            const auto same = std::find_if(ledger_.tranches().begin(), ledger_.tranches().end(),
                                           [&old](const core::Tranche& t) { return t.id == old.id; });
            if (same == ledger_.tranches().end() || same->used < old.used || same->granted < old.granted)
                return false;
        }
        return true;
    }

    bool counted(const core::ResourceLedger& before, const std::vector<core::Completion>& completions) const {
        Units sum;
        for (const core::Completion& completion : completions) sum += completion.units;
        return ledger_.used() == before.used() + sum;
    }

    std::int64_t unit_;
    std::int64_t now_ = 0;
    core::ResourceLedger ledger_;
    LedgerModel model_;
    std::vector<LedgerModel::Slots> lease_;
};

void explore(const History& history, const std::vector<Step>& steps, int depth) {
    if (depth == 0) return;
    for (const Step& step : steps) {
        History next = history;
        next.apply(step);
        explore(next, steps, depth - 1);
    }
}

std::vector<Step> all_steps() {
    using Kind = Step::Kind;
    std::vector<Step> steps{{Kind::tick}, {Kind::reverse}, {Kind::drop_first}, {Kind::old_lease}};
    for (std::int64_t amount = 0; amount <= 6; ++amount) steps.push_back({Kind::meter, amount});
    for (std::size_t tranche = 0; tranche < tranches.size(); ++tranche)
        for (const std::int64_t units : {1, 3}) steps.push_back({Kind::grant, units, tranche});
    return steps;
}

}  // namespace

TEST_CASE("every history of four steps agrees with the count millisecond by millisecond") {
    const std::int64_t unit = GENERATE(1, 2, 3, 4);
    explore(History{unit}, all_steps(), 4);
    SUCCEED();
}

TEST_CASE("every history of seven meterings, grants and hours agrees with the count") {
    using Kind = Step::Kind;
    const std::int64_t unit = GENERATE(1, 2, 3, 4);
    const std::vector<Step> steps{{Kind::meter, 1},    {Kind::meter, 5},    {Kind::grant, 1, 0},
                                  {Kind::grant, 2, 1}, {Kind::grant, 2, 2}, {Kind::tick}};
    explore(History{unit}, steps, 7);
    SUCCEED();
}

TEST_CASE("long histories at random agree with the count") {
    const std::vector<Step> steps = all_steps();
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937_64 random{seed};
        History history{1 + static_cast<std::int64_t>(seed % 4)};
        for (int i = 0; i < 60; ++i) history.apply(steps[random() % steps.size()]);
    }
    SUCCEED();
}
