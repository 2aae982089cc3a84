// What each asker asked when it was here last: most likely that is what it will ask again, so that it can be
// asked at once for all whose turn it is, one statement for each question. A guess that is wrong costs what
// it took to answer it, and nothing else: whoever asks something else is answered then.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/postgres/library.hpp"
#include "platform/postgres/recent_answers.hpp"

namespace meterbox::platform::postgres {

class Statement;

class Foresight {
public:
    using Values = RecentAnswers::Values;
    using Questions = std::map<Statement*, std::set<Values>>;

    // A transaction: nobody is expected yet.
    void begin();
    // Whose questions come now; nobody's: they aren't noted.
    void asked_by(std::string_view asker);
    // The statement lives as long as this.
    void note(Statement& statement, const Values& values);

    void expect(std::string_view asker);
    bool expects() const { return !expected_.empty(); }
    // What those that are expected asked last time. They are expected no more.
    Questions take_expected();

private:
    std::unordered_map<std::string, std::vector<std::pair<Statement*, Values>>> asked_;  // by asker
    std::vector<std::pair<Statement*, Values>>* noting_ = nullptr;
    std::vector<std::string> expected_;
};

}  // namespace meterbox::platform::postgres
