// The only way in which units move. A move is one entry of the ledger (double entry: out of one place
// of a tranche, into another) and the same move in the tranche's row, in one transaction; the row's
// CHECKs refuse what would break I1. Units out of a pool of tokens move together with their tokens: two
// entries. Not a place for rules: which units move, others decide.
#pragma once

#include <string>
#include <string_view>

#include "account/database.hpp"
#include "account/tranche.hpp"
#include "core/time.hpp"

namespace meterbox::account {

enum class Place { purchase, available, leased, charged, in_doubt, expired };
std::string_view name_of(Place);
Place free_place(const Tranche& tranche, core::UtcTime now);  // of a slot that is free again

// Whose lease the units leave or join.
struct Holder {
    std::string agent;
    std::int64_t incarnation = 1;
};

class Ledger {
public:
    Ledger(Database& database, core::UtcTime now) : database_(database), now_(now) {}

    // The first entry of a tranche: its row was made with all that was purchased available.
    void purchase(const Tranche& tranche);
    // Moves units of the tranche, in the ledger, in its row and in `tranche` itself. 0 units: nothing.
    void move(Tranche& tranche, Place from, Place to, core::Units units, std::string_view reason,
              const Holder* holder = nullptr);
    // Leased slots are free again. Of a tranche that has ended what is owed comes first: an account that
    // learns leases again what came back and was leased once more, so more than there is.
    void give_back(Tranche& tranche, core::Units units, std::string_view reason, const Holder* holder);
    // What is unleased of a tranche that has ended is expired from now on. Nothing more is leased of it.
    void expire(Tranche& tranche);

    core::UtcTime now() const { return now_; }

private:
    void move_here(Tranche& tranche, Place from, Place to, core::Units units, std::string_view reason,
                   const Holder* holder);
    void enter(const Tranche& tranche, Place from, Place to, core::Units units, std::string_view reason,
               const Holder* holder);

    Database& database_;
    core::UtcTime now_;
    bool begun_ = false;  // its number is the account's last
};

}  // namespace meterbox::account
