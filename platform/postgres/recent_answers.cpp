#include "platform/postgres/recent_answers.hpp"

#include <algorithm>

namespace meterbox::platform::postgres {

namespace {

constexpr std::size_t answers_max = 256;  // of one statement
constexpr int rows_max = 100;             // of one answer

std::vector<std::string> words_of(std::string_view sql) {
    std::vector<std::string> words;
    bool inside = false;
    for (const char letter : sql) {
        const bool part = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '_';
        if (part && !inside) words.emplace_back();
        if (part) words.back() += letter;
        inside = part;
    }
    return words;
}

}  // namespace

RecentAnswers::RecentAnswers(Writes& writes, std::string_view sql) : writes_(writes), kind_(Kind::write) {
    const std::vector<std::string> words = words_of(sql);
    const std::string first = words.empty() ? "" : words.front();
    if (first == "SELECT") {
        kind_ = Kind::read;
        for (const std::string& word : words) named_.push_back(writes_.of(word));
    } else if (first == "SAVEPOINT" || first == "RELEASE") {
        kind_ = Kind::mark;
    } else if ((first == "INSERT" || first == "DELETE") && words.size() > 2) {  // INTO, FROM
        named_.push_back(writes_.of(words[2]));
    } else if (first == "UPDATE" && words.size() > 1) {
        named_.push_back(writes_.of(words[1]));
    } else {
        kind_ = Kind::back;  // ROLLBACK TO, and whatever else
    }
}

void RecentAnswers::sent() {
    if (kind_ == Kind::write) writes_.wrote(named_.front());
    if (kind_ == Kind::back) writes_.anything();
}

bool RecentAnswers::outdated() const {
    return kept_since_ < writes_.all() ||
           std::ranges::any_of(named_, [&](const Writes::Moment* table) { return *table > kept_since_; });
}

std::shared_ptr<const Answer> RecentAnswers::find(const std::string& parameters) {
    if (outdated()) answers_.clear();
    const auto found = answers_.find(parameters);
    return found == answers_.end() ? nullptr : found->second;
}

void RecentAnswers::keep(const std::string& parameters, std::shared_ptr<const Answer> answer) {
    if (answer->rows() > rows_max) return;
    if (outdated() || answers_.size() >= answers_max) answers_.clear();
    if (answers_.empty()) kept_since_ = writes_.now();
    answers_[parameters] = std::move(answer);
}

}  // namespace meterbox::platform::postgres
