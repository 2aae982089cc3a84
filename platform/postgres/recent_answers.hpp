// What was read in this transaction and can't have changed: nobody else writes while it has its turn, and no
// statement of its own has since written what the question looks at, as far as their texts tell.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/postgres/answer.hpp"
#include "platform/postgres/footprint.hpp"

namespace meterbox::platform::postgres {

using Moment = std::uint64_t;

// When a statement wrote last: to any row, and to those of each value of the column that tells them apart.
struct Write {
    Footprint print;
    std::optional<std::string> column;
    Moment last = 0;
    std::unordered_map<std::string, Moment> by_value = {};
};

// One a connection.
class Writes {
public:
    Write& made(Footprint print);  // lives as long as this
    const std::vector<std::unique_ptr<Write>>& all() const { return all_; }
    Moment next() { return ++now_; }
    Moment now() const { return now_; }
    // A new transaction, or back to a savepoint: nothing is known.
    void forget();
    Moment forgotten_at() const { return forgotten_at_; }

private:
    std::vector<std::unique_ptr<Write>> all_;
    Moment now_ = 0;
    Moment forgotten_at_ = 0;
};

// Of one statement. `values`: its parameters, each as its bytes.
class RecentAnswers {
public:
    using Values = std::vector<std::string>;

    RecentAnswers(Writes& writes, const std::string& numbered_sql);

    bool reads() const { return print_.kind == Footprint::Kind::read; }
    // To be said of each statement that is sent.
    void sent(const Values& values);
    // The answer to the same parameters, if it still holds.
    std::shared_ptr<const Answer> find(const Values& values);
    void keep(const Values& values, std::shared_ptr<const Answer> answer);

private:
    struct Kept {
        std::shared_ptr<const Answer> answer;
        Moment at = 0;
    };
    bool holds(const Kept& kept, const Values& values);

    Writes& writes_;
    Footprint print_;
    Write* write_ = nullptr;             // of a write
    std::vector<const Write*> meeting_;  // of a read: those that may change what it sees
    std::size_t looked_at_ = 0;          // of all writes
    std::map<Values, Kept> answers_;
};

}  // namespace meterbox::platform::postgres
