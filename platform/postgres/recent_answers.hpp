// What was read in this transaction and can't have changed: nobody else writes while it has its turn, and no
// statement of its own has since written a table that the question names. Tables are told by their words in
// the statement's text, so that one too many is asked again, never one too few.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/postgres/answer.hpp"

namespace meterbox::platform::postgres {

// When which table was written last. One a connection.
class Writes {
public:
    using Moment = std::uint64_t;
    Moment* of(const std::string& table) { return &tables_[table]; }  // as long as this lives
    void wrote(Moment* table) { *table = ++now_; }
    void anything() { all_ = ++now_; }  // a new transaction, or back to a savepoint
    Moment all() const { return all_; }
    Moment now() const { return now_; }

private:
    std::unordered_map<std::string, Moment> tables_;
    Moment all_ = 0;
    Moment now_ = 0;
};

class RecentAnswers {
public:
    RecentAnswers(Writes& writes, std::string_view sql);

    bool reads() const { return kind_ == Kind::read; }
    // To be said of each statement that is sent.
    void sent();
    // The answer to the same parameters, if it still holds.
    std::shared_ptr<const Answer> find(const std::string& parameters);
    void keep(const std::string& parameters, std::shared_ptr<const Answer> answer);

private:
    enum class Kind { read, write, mark, back };
    bool outdated() const;

    Writes& writes_;
    Kind kind_;
    std::vector<Writes::Moment*> named_;  // of a write: what it writes, alone
    Writes::Moment kept_since_ = 0;
    std::map<std::string, std::shared_ptr<const Answer>> answers_;
};

}  // namespace meterbox::platform::postgres
