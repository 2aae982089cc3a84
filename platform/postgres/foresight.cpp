#include "platform/postgres/foresight.hpp"

namespace meterbox::platform::postgres {

namespace {

constexpr std::size_t askers_max = 4096;   // beyond, all is forgotten: they'll ask again
constexpr std::size_t questions_max = 64;  // of one asker

}  // namespace

void Foresight::begin() {
    expected_.clear();
    noting_ = nullptr;
}

void Foresight::asked_by(std::string_view asker) {
    noting_ = nullptr;
    if (asker.empty()) return;
    if (asked_.size() >= askers_max) asked_.clear();
    noting_ = &asked_[std::string(asker)];
    noting_->clear();
}

void Foresight::note(Statement& statement, const Values& values) {
    if (noting_ && noting_->size() < questions_max) noting_->emplace_back(&statement, values);
}

void Foresight::expect(std::string_view asker) {
    expected_.emplace_back(asker);
}

Foresight::Questions Foresight::take_expected() {
    Questions questions;
    for (const std::string& asker : expected_) {
        const auto known = asked_.find(asker);
        if (known == asked_.end()) continue;
        for (const auto& [statement, values] : known->second) questions[statement].insert(values);
    }
    expected_.clear();
    return questions;
}

}  // namespace meterbox::platform::postgres
