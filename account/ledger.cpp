// Entries and the tranche's row, always together.
#include "account/ledger.hpp"

#include <algorithm>

#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// Where the units of a place are counted; none: outside, where all of them come from.
Units* count_of(Tranche& tranche, Place place) {
    switch (place) {
        case Place::purchase:
            return nullptr;
        case Place::available:
            return &tranche.available;
        case Place::leased:
            return &tranche.leased;
        case Place::charged:
            return &tranche.charged;
        case Place::in_doubt:
            return &tranche.in_doubt;
        case Place::expired:
            return &tranche.expired;
    }
    return nullptr;
}

// Units out of a pool are bought of it when they are leased, and sold back.
Place from_outside(Place place) {
    return place == Place::available || place == Place::expired ? Place::purchase : place;
}

}  // namespace

std::string_view name_of(Place place) {
    switch (place) {
        case Place::purchase:
            return "purchase";
        case Place::available:
            return "available";
        case Place::leased:
            return "leased";
        case Place::charged:
            return "charged";
        case Place::in_doubt:
            return "in_doubt";
        case Place::expired:
            return "expired";
    }
    return "";
}

Place free_place(const Tranche& tranche, core::UtcTime now) {
    if (tranche.open()) return Place::purchase;
    const bool ended = tranche.ended_at(now) && !METERBOX_MUTANT(ended_units_sold);
    return ended ? Place::expired : Place::available;
}

void Ledger::enter(const Tranche& tranche, Place from, Place to, Units units, std::string_view reason,
                   const Holder* holder) {
    // Entries that are made together have one number: that of the first of them, or a larger one.
    constexpr const char* first =
        "INSERT INTO ledger (transaction_, at, tranche, from_, to_, units, agent, incarnation, reason) "
        "VALUES ((SELECT coalesce(max(entry), 0) + 1 FROM ledger), ?, ?, ?, ?, ?, ?, ?, ?)";
    constexpr const char* more =
        "INSERT INTO ledger (transaction_, at, tranche, from_, to_, units, agent, incarnation, reason) "
        "VALUES ((SELECT transaction_ FROM ledger ORDER BY entry DESC LIMIT 1), ?, ?, ?, ?, ?, ?, ?, ?)";
    database_.run(std::exchange(begun_, true) ? more : first, now_, tranche.id, name_of(from), name_of(to),
                  units, holder ? std::optional<std::string>(holder->agent) : std::nullopt,
                  holder ? std::optional<std::int64_t>(holder->incarnation) : std::nullopt, reason);
}

void Ledger::purchase(const Tranche& tranche) {
    if (tranche.open()) return;
    enter(tranche, Place::purchase, Place::available, *tranche.purchased, "purchase", nullptr);
}

void Ledger::move(Tranche& tranche, Place from, Place to, Units units, std::string_view reason,
                  const Holder* holder) {
    METERBOX_ASSERT(units.value() >= 0 && from != to);
    if (units.value() == 0 || database_.failed()) return;
    if (!tranche.pool) return move_here(tranche, from, to, units, reason, holder);
    METERBOX_ASSERT(from != Place::purchase && to != Place::purchase);
    const Units tokens{core::usage_of(units, core::Amount{tranche.rate}).value()};
    move_here(*tranche.pool, from, to, tokens, reason, holder);
    if (from_outside(from) != from_outside(to))
        move_here(tranche, from_outside(from), from_outside(to), units, reason, holder);
    tranche.look_into_pool();
}

void Ledger::move_here(Tranche& tranche, Place from, Place to, Units units, std::string_view reason,
                       const Holder* holder) {
    if (Units* left = count_of(tranche, from)) *left -= units;
    if (Units* joined = count_of(tranche, to)) *joined += units;
    if (tranche.pool && from == Place::purchase) *tranche.purchased += units;
    if (tranche.pool && to == Place::purchase) *tranche.purchased -= units;
    enter(tranche, from, to, units, reason, holder);
    const Units own = tranche.pool ? Units{} : tranche.available;
    database_.run(
        "UPDATE tranche SET purchased = ?, available = ?, leased = ?, charged = ?, in_doubt = ?, expired = ? "
        "WHERE id = ?",
        tranche.purchased, own, tranche.leased, tranche.charged, tranche.in_doubt, tranche.expired,
        tranche.id);
}

void Ledger::give_back(Tranche& tranche, Units units, std::string_view reason, const Holder* holder) {
    const Place free = free_place(tranche, now_);
    const std::int64_t left = (tranche.pool ? tranche.pool->available : tranche.available).value();
    const Units owed{free == Place::expired ? std::max<std::int64_t>(0, -left) / tranche.rate : 0};
    const Units first = std::min(units, owed);
    move(tranche, Place::leased, Place::available, first, reason, holder);
    move(tranche, Place::leased, free, units - first, reason, holder);
}

void Ledger::expire(Tranche& tranche) {
    if (!tranche.pool)
        move(tranche, Place::available, Place::expired, std::max(Units{}, tranche.available), "end");
    tranche.ended = true;
    database_.run("UPDATE tranche SET ended = 1 WHERE id = ?", tranche.id);
}

}  // namespace meterbox::account
