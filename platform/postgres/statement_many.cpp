// A statement for many values at once: one round trip for a question, none for what is written.
#include <algorithm>

#include "platform/postgres/connection.hpp"
#include "platform/postgres/many.hpp"
#include "platform/postgres/statement.hpp"

namespace meterbox::platform::postgres {

using core::Result;

namespace {

// As many are foreseen, one by one; more would take the place of all else that their asker asks.
constexpr std::size_t foreseen_at_once_max = 16;

bool all_there(const std::vector<RecentAnswers::Values>& all) {
    return std::ranges::none_of(all, [](const RecentAnswers::Values& values) {
        return std::ranges::find(values, "-") != values.end();
    });
}

}  // namespace

std::vector<RecentAnswers::Values> Statement::parameters_of(std::size_t count, const BindNth& bind) {
    std::vector<RecentAnswers::Values> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        bind(i);
        all.push_back(parameters());
    }
    return all;
}

Result<void> Statement::each_of(std::size_t count, const BindNth& bind, const RowOfNth& row) {
    if (count <= 1 || !connection_.begun_ || !recent_.reads())
        return sql::Statement::each_of(count, bind, row);
    const auto all = parameters_of(count, bind);
    if (!can_be_many(types_) || !all_there(all)) return sql::Statement::each_of(count, bind, row);
    if (!prepared())
        if (auto done = prepare(); !done) return done;
    if (auto done = connection_.ask_foreseen(); !done) return done;
    std::vector<RecentAnswers::Values> unknown;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < count; ++i) {
        if (count <= foreseen_at_once_max) connection_.foresight_.note(*this, all[i]);
        answer_ = recent_.find(all[i]);
        if (answer_) {
            for (row_ = 0; row_ < answer_->rows(); ++row_) row(i, *this);
            reset();
        } else {
            unknown.push_back(all[i]);
            places.push_back(i);
        }
    }
    if (unknown.empty()) return {};
    return ask_many(unknown, places, row);
}

Result<void> Statement::ask_many(const std::vector<RecentAnswers::Values>& all,
                                 const std::vector<std::size_t>& places, const RowOfNth& row) {
    if (auto done = prepare_many(for_many(sql_, types_)); !done) return done;
    if (!connection_.begin_pipeline()) return connection_.failure(nullptr, "can't use");
    ++connection_.unheard_;
    (void)send_many(all);  // that it failed is told by the answer
    auto answer = connection_.settle("can't use");
    if (!answer) return answer.error();
    std::vector<int> rows(static_cast<std::size_t>(answer->rows()));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int>(i);
    answer_ = std::make_shared<const Answer>(answer->part(rows, 1));
    for (row_ = 0; row_ < answer_->rows(); ++row_)
        row(places.at(static_cast<std::size_t>(answer->integer(row_, 0) - 1)), *this);
    reset();
    return {};
}

Result<void> Statement::run_each_of(std::size_t count, const BindNth& bind) {
    const auto sql = count > 1 && connection_.begun_ ? insert_of_many(sql_, types_.size()) : std::nullopt;
    if (!sql) return sql::Statement::run_each_of(count, bind);
    const auto all = parameters_of(count, bind);
    if (!can_be_many(types_) || !all_there(all)) return sql::Statement::run_each_of(count, bind);
    if (auto done = prepare_many(*sql); !done) return done;
    for (const RecentAnswers::Values& values : all) recent_.sent(values);
    if (!connection_.begin_pipeline()) return connection_.failure(nullptr, "can't use");
    return connection_.sent_unheard(send_many(all));
}

}  // namespace meterbox::platform::postgres
