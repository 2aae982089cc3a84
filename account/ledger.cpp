// Entries and the tranche's row, always together.
#include "account/ledger.hpp"

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

std::int64_t Ledger::transaction() {
    if (transaction_ == 0) {
        transaction_ = database_.number(
            "UPDATE account SET last_transaction = last_transaction + 1 RETURNING last_transaction");
    }
    return transaction_;
}

void Ledger::enter(const Tranche& tranche, Place from, Place to, Units units, std::string_view reason,
                   const Holder* holder) {
    database_.run(
        "INSERT INTO ledger (transaction_, at, tranche, from_, to_, units, agent, incarnation, reason) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        transaction(), now_, tranche.id, name_of(from), name_of(to), units,
        holder ? std::optional<std::string>(holder->agent) : std::nullopt,
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
    if (Units* left = count_of(tranche, from)) *left -= units;
    if (Units* joined = count_of(tranche, to)) *joined += units;
    enter(tranche, from, to, units, reason, holder);
    database_.run(
        "UPDATE tranche SET available = ?, leased = ?, charged = ?, in_doubt = ?, expired = ? WHERE id = ?",
        tranche.available, tranche.leased, tranche.charged, tranche.in_doubt, tranche.expired, tranche.id);
}

void Ledger::expire(Tranche& tranche) {
    move(tranche, Place::available, Place::expired, tranche.available, "end");
    database_.run("UPDATE tranche SET ended = 1 WHERE id = ?", tranche.id);
}

}  // namespace meterbox::account
