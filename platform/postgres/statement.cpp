#include "platform/postgres/statement.hpp"

#include <endian.h>

#include <algorithm>

#include "core/assert.hpp"
#include "platform/postgres/connection.hpp"
#include "platform/postgres/many.hpp"
#include "platform/postgres/parameters.hpp"
#include "platform/postgres/types.hpp"

namespace meterbox::platform::postgres {

using core::Result;

Statement::Statement(Connection& connection, std::string_view sql, int number)
    : Statement(connection, with_numbered_parameters(sql), number) {}

Statement::Statement(Connection& connection, NumberedSql numbered, int number)
    : connection_(connection),
      sql_(std::move(numbered.text)),
      name_("s" + std::to_string(number)),
      types_(numbered.parameters),
      values_(numbered.parameters),
      lengths_(numbered.parameters),
      formats_(numbered.parameters, binary_format),
      integers_(numbered.parameters),
      recent_(connection.writes_, sql_) {}

void Statement::expect_parameters(std::size_t count) const {
    METERBOX_ASSERT(values_.size() == count);
    METERBOX_ASSERT(!answer_);  // somebody still looks at its rows
}

void Statement::bind(int position, const void* value, std::size_t length, Oid type) {
    const auto at = static_cast<std::size_t>(position - 1);
    values_[at] = static_cast<const char*>(value);
    lengths_[at] = static_cast<int>(length);
    if (!prepared()) types_[at] = type;
}

void Statement::bind_integer(int position, std::int64_t value) {
    std::uint64_t& kept = integers_[static_cast<std::size_t>(position - 1)];
    kept = htobe64(static_cast<std::uint64_t>(value));
    bind(position, &kept, sizeof kept, type_int8);
}

void Statement::bind_text(int position, std::string_view value) {
    bind(position, value.data() == nullptr ? "" : value.data(), value.size(), type_text);
}

void Statement::bind_blob(int position, sql::Blob value) {
    const void* bytes = value.data() == nullptr ? static_cast<const void*>("") : value.data();
    bind(position, bytes, value.size(), type_bytea);
}

void Statement::bind_null(int position, sql::ValueType type) {
    const Oid oid = type == sql::ValueType::integer ? type_int8
                    : type == sql::ValueType::text  ? type_text
                    : type == sql::ValueType::blob  ? type_bytea
                                                    : type_unknown;
    bind(position, nullptr, 0, oid);
}

bool Statement::prepared() const {
    return prepared_in_ == connection_.made_;
}

Result<void> Statement::prepare() {
    auto done = prepare_as(name_, sql_, types_);
    if (done) prepared_in_ = connection_.made_;
    return done;
}

Result<void> Statement::prepare_as(const std::string& name, const std::string& sql,
                                   const std::vector<Oid>& types) {
    if (auto heard = connection_.nothing_unheard(); !heard) return heard;
    const Library& library = connection_.library_;
    auto done = connection_.take(library.PQprepare(connection_.connection_, name.c_str(), sql.c_str(),
                                                   static_cast<int>(types.size()), types.data()),
                                 "can't use");
    if (!done) return done.error();
    return {};
}

bool Statement::send() {
    return connection_.begin_pipeline() && send_texts(name_, values_, lengths_);
}

bool Statement::send_texts(const std::string& name, const std::vector<const char*>& texts,
                           const std::vector<int>& lengths) {
    return connection_.library_.PQsendQueryPrepared(connection_.connection_, name.c_str(),
                                                    static_cast<int>(texts.size()), texts.data(),
                                                    lengths.data(), formats_.data(), 0) == 1;
}

Result<Answer> Statement::run() {
    if (!prepared())
        if (const auto done = prepare(); !done) return done.error();
    recent_.sent(parameters());
    if (connection_.unheard_ > 0) {
        send();
        ++connection_.unheard_;
        return connection_.settle("can't use");
    }
    const Library& library = connection_.library_;
    return connection_.take(
        library.PQexecPrepared(connection_.connection_, name_.c_str(), static_cast<int>(values_.size()),
                               values_.data(), lengths_.data(), formats_.data(), 0),
        "can't use");
}

Result<void> Statement::run_bound() {
    const auto done = run();
    if (!done) return done.error();
    connection_.changes_ = done->changes();
    return {};
}

Result<void> Statement::run_unheard() {
    if (!connection_.begun_) return run_bound();
    if (!prepared())
        if (auto done = prepare(); !done) return done;
    recent_.sent(parameters());
    return connection_.sent_unheard(send());
}

// What isn't there has a text that no value has.
RecentAnswers::Values Statement::parameters() const {
    RecentAnswers::Values all;
    all.reserve(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const bool there = values_[i] != nullptr;
        all.emplace_back(there ? "=" : "-");
        if (there) all.back().append(values_[i], static_cast<std::size_t>(lengths_[i]));
    }
    return all;
}

Result<std::shared_ptr<const Answer>> Statement::answered() {
    const bool kept = connection_.begun_ && recent_.reads();
    const RecentAnswers::Values asked = kept ? parameters() : RecentAnswers::Values();
    if (kept) {
        if (const auto done = connection_.ask_foreseen(); !done) return done.error();
        connection_.foresight_.note(*this, asked);
        if (auto known = recent_.find(asked)) return known;
    }
    auto answer = run();
    if (!answer) return answer.error();
    auto shared = std::make_shared<const Answer>(std::move(*answer));
    if (kept) recent_.keep(asked, shared);
    return std::shared_ptr<const Answer>(std::move(shared));
}

Result<bool> Statement::foresee(const std::set<RecentAnswers::Values>& all) {
    foreseen_.clear();
    for (const RecentAnswers::Values& values : all) {
        const bool whole = std::ranges::none_of(values, [](const auto& value) { return value == "-"; });
        if (whole) foreseen_.push_back(values);
    }
    const bool many = foreseen_.size() > 1;
    if (!prepared() || foreseen_.empty() || (many && !can_be_many(types_))) return false;
    if (many)
        if (const auto done = prepare_many(for_many(sql_, types_)); !done) return done.error();
    return true;
}

Result<void> Statement::prepare_many(const std::string& sql) {
    if (prepared_for_many_in_ == connection_.made_) return {};
    std::vector<Oid> arrays;
    for (const Oid type : types_) arrays.push_back(array_of(type));
    auto done = prepare_as(name_ + "m", sql, arrays);
    if (done) prepared_for_many_in_ = connection_.made_;
    return done;
}

bool Statement::send_foreseen() {
    if (foreseen_.size() > 1) return send_many(foreseen_);
    std::vector<const char*> texts;
    std::vector<int> lengths;
    for (const std::string& value : foreseen_.front()) {
        texts.push_back(value.data() + 1);
        lengths.push_back(static_cast<int>(value.size() - 1));
    }
    return send_texts(name_, texts, lengths);
}

bool Statement::send_many(const std::vector<RecentAnswers::Values>& all) {
    std::vector<std::string> arrays;
    for (std::size_t i = 0; i < types_.size(); ++i) {
        std::vector<const std::string*> column;
        column.reserve(all.size());
        for (const RecentAnswers::Values& values : all) column.push_back(&values[i]);
        arrays.push_back(array_text(types_[i], column));
    }
    std::vector<const char*> texts;
    std::vector<int> lengths;
    for (const std::string& array : arrays) {
        texts.push_back(array.data());
        lengths.push_back(static_cast<int>(array.size()));
    }
    return send_texts(name_ + "m", texts, lengths);
}

void Statement::keep_foreseen(const Answer& answer) {
    if (foreseen_.size() == 1) {
        recent_.keep(foreseen_.front(), std::make_shared<const Answer>(answer));
        return;
    }
    std::vector<std::vector<int>> rows(foreseen_.size());
    for (int row = 0; row < answer.rows(); ++row)
        rows.at(static_cast<std::size_t>(answer.integer(row, 0) - 1)).push_back(row);
    for (std::size_t i = 0; i < rows.size(); ++i)
        recent_.keep(foreseen_[i], std::make_shared<const Answer>(answer.part(std::move(rows[i]), 1)));
}

Result<bool> Statement::next() {
    if (!answer_) {
        auto got = answered();
        if (!got) return got.error();
        answer_ = std::move(*got);
        row_ = -1;
    }
    return ++row_ < answer_->rows();
}

void Statement::reset() {
    answer_.reset();
}

}  // namespace meterbox::platform::postgres
