// Numbers of tranches. Agents name a tranche by its number for as long as they know it: also one that the
// account has forgotten, because its store was put back from a copy. Until that is found out its number must
// not become another tranche's. So who gives numbers counts on from the highest there is, but for the first
// time he leaves a random gap after it: once in each process, and again wherever it may have been the store
// that went back, with a new connection or what was undone. The gap is below a 65,536th of the numbers that
// the epoch has left, at first 2^26: what one start gives, k numbers, meets the f that another one of the
// same time gave with a probability of at most (k + f) / 2^26. After 90,000 starts it is half of that. An
// epoch has 2^42 numbers of its own, so that no number of an epoch that was told of is given again at all.
#pragma once

#include <cstdint>
#include <optional>

#include "platform/system/random.hpp"

namespace meterbox::account {

class Database;

class TrancheNumbers {
public:
    // random: null where no tranche is made.
    explicit TrancheNumbers(platform::system::Random* random) : random_(random) {}

    // In the transaction in which tranches are made, just before: they have the numbers after this one. The
    // first of an account are t1, t2 and so on. 0 where the database has failed.
    std::int64_t last(Database& database);

private:
    // The gap is behind it: what it gave first, on which connection.
    struct Begun {
        std::int64_t first = 0;
        std::int64_t connection = 0;
    };
    platform::system::Random* random_;
    std::optional<Begun> begun_;
};

}  // namespace meterbox::account
