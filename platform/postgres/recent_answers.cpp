#include "platform/postgres/recent_answers.hpp"

#include <algorithm>

namespace meterbox::platform::postgres {

namespace {

constexpr std::size_t answers_max = 1024;  // of one statement
constexpr int rows_max = 100;              // of one answer

}  // namespace

Write& Writes::made(Footprint print) {
    auto column = told_apart_by(print);
    all_.push_back(std::make_unique<Write>(Write{std::move(print), std::move(column)}));
    return *all_.back();
}

void Writes::forget() {
    for (const auto& write : all_) write->by_value.clear();
    forgotten_at_ = ++now_;
}

RecentAnswers::RecentAnswers(Writes& writes, const std::string& numbered_sql)
    : writes_(writes), print_(Footprint::of(numbered_sql)) {
    if (print_.kind == Footprint::Kind::write) write_ = &writes_.made(print_);
}

void RecentAnswers::sent(const Values& values) {
    if (print_.kind == Footprint::Kind::unknown) writes_.forget();
    if (!write_) return;
    write_->last = writes_.next();
    if (write_->column) write_->by_value[values[print_.pinned.at(*write_->column)]] = write_->last;
}

bool RecentAnswers::holds(const Kept& kept, const Values& values) {
    if (kept.at < writes_.forgotten_at()) return false;
    for (; looked_at_ < writes_.all().size(); ++looked_at_) {
        const Write& write = *writes_.all()[looked_at_];
        if (meets(write.print, print_)) meeting_.push_back(&write);
    }
    return std::ranges::all_of(meeting_, [&](const Write* write) {
        if (write->last <= kept.at) return true;
        const auto pinned = write->column ? print_.pinned.find(*write->column) : print_.pinned.end();
        if (pinned == print_.pinned.end()) return false;
        const auto same = write->by_value.find(values[pinned->second]);
        return same == write->by_value.end() || same->second <= kept.at;
    });
}

std::shared_ptr<const Answer> RecentAnswers::find(const Values& values) {
    const auto found = answers_.find(values);
    if (found == answers_.end()) return nullptr;
    if (holds(found->second, values)) return found->second.answer;
    answers_.erase(found);
    return nullptr;
}

void RecentAnswers::keep(const Values& values, std::shared_ptr<const Answer> answer) {
    if (answer->rows() > rows_max) return;
    if (answers_.size() >= answers_max) answers_.clear();
    answers_[values] = {std::move(answer), writes_.now()};
}

}  // namespace meterbox::platform::postgres
