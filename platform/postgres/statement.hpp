// A statement as the server keeps it prepared, once its first values have said their types. All rows of an
// answer are here before the first is looked at: others may be run meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "platform/postgres/answer.hpp"
#include "platform/postgres/library.hpp"
#include "platform/postgres/parameters.hpp"
#include "platform/postgres/recent_answers.hpp"
#include "platform/sql/statement.hpp"

namespace meterbox::platform::postgres {

class Connection;

class Statement final : public sql::Statement {
public:
    Statement(Connection& connection, std::string_view sql, int number);

    void expect_parameters(std::size_t count) const override;
    void bind_integer(int position, std::int64_t value) override;
    void bind_text(int position, std::string_view value) override;
    void bind_blob(int position, sql::Blob value) override;
    void bind_null(int position, sql::ValueType type) override;

    core::Result<void> run_bound() override;
    core::Result<void> run_unheard() override;
    core::Result<bool> next() override;
    void reset() override;
    core::Result<void> each_of(std::size_t count, const BindNth& bind, const RowOfNth& row) override;
    core::Result<void> run_each_of(std::size_t count, const BindNth& bind) override;

    // In a transaction, a statement that was run before: asks for all of these values at once, unheard.
    // False: it can't be asked so.
    [[nodiscard]] core::Result<bool> foresee(const std::set<RecentAnswers::Values>& all);
    [[nodiscard]] bool send_foreseen();  // in a pipeline
    // Its answer, for whoever will ask.
    void keep_foreseen(const Answer& answer);

    std::int64_t integer(int column) const override { return answer_->integer(row_, column); }
    std::string_view text(int column) const override { return answer_->text(row_, column); }
    bool is_null(int column) const override { return answer_->is_null(row_, column); }

private:
    Statement(Connection& connection, NumberedSql numbered, int number);
    core::Result<Answer> run();
    core::Result<void> prepare();
    core::Result<std::shared_ptr<const Answer>> answered();
    bool prepared() const;
    bool send();
    bool send_texts(const std::string& name, const std::vector<const char*>& texts,
                    const std::vector<int>& lengths);
    core::Result<void> prepare_as(const std::string& name, const std::string& sql,
                                  const std::vector<Oid>& types);
    RecentAnswers::Values parameters() const;
    std::vector<RecentAnswers::Values> parameters_of(std::size_t count, const BindNth& bind);
    // In a pipeline, as arrays.
    bool send_many(const std::vector<RecentAnswers::Values>& all);
    core::Result<void> prepare_many(const std::string& sql);
    core::Result<void> ask_many(const std::vector<RecentAnswers::Values>& all,
                                const std::vector<std::size_t>& places, const RowOfNth& row);
    void bind(int position, const void* value, std::size_t length, Oid type);

    Connection& connection_;
    std::string sql_;  // with $1, $2
    std::string name_;
    int prepared_in_ = 0;  // which of the connections that were made
    std::vector<Oid> types_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
    std::vector<std::uint64_t> integers_;  // in the order of bytes on the wire
    RecentAnswers recent_;
    std::shared_ptr<const Answer> answer_;  // while its rows are looked at
    int row_ = -1;
    int prepared_for_many_in_ = 0;
    std::vector<RecentAnswers::Values> foreseen_;  // asked, and not answered yet
};

}  // namespace meterbox::platform::postgres
