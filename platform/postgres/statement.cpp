#include "platform/postgres/statement.hpp"

#include <endian.h>

#include "core/assert.hpp"
#include "platform/postgres/connection.hpp"
#include "platform/postgres/parameters.hpp"

namespace meterbox::platform::postgres {

using core::Result;

namespace {

// Of pg_type: the same in every PostgreSQL.
constexpr Oid type_bytea = 17;
constexpr Oid type_int8 = 20;
constexpr Oid type_text = 25;
constexpr int binary = 1;

}  // namespace

Statement::Statement(Connection& connection, std::string_view sql, int number)
    : connection_(connection), name_("s" + std::to_string(number)) {
    NumberedSql numbered = with_numbered_parameters(sql);
    sql_ = std::move(numbered.text);
    types_.resize(numbered.parameters);
    values_.resize(numbered.parameters);
    lengths_.resize(numbered.parameters);
    formats_.assign(numbered.parameters, binary);
    integers_.resize(numbered.parameters);
}

void Statement::expect_parameters(std::size_t count) const {
    METERBOX_ASSERT(values_.size() == count);
    METERBOX_ASSERT(!answer_);  // somebody still looks at its rows
}

void Statement::bind(int position, const void* value, std::size_t length, Oid type) {
    const auto at = static_cast<std::size_t>(position - 1);
    values_[at] = static_cast<const char*>(value);
    lengths_[at] = static_cast<int>(length);
    if (!prepared_) types_[at] = type;
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
    constexpr Oid unknown = 0;
    const Oid oid = type == sql::ValueType::integer ? type_int8
                    : type == sql::ValueType::text  ? type_text
                    : type == sql::ValueType::blob  ? type_bytea
                                                    : unknown;
    bind(position, nullptr, 0, oid);
}

Result<void> Statement::prepare() {
    const Library& library = connection_.library_;
    auto done = connection_.take(library.PQprepare(connection_.connection_, name_.c_str(), sql_.c_str(),
                                                   static_cast<int>(types_.size()), types_.data()),
                                 "can't use");
    if (!done) return done.error();
    prepared_ = true;
    return {};
}

Result<Answer> Statement::run() {
    if (!prepared_)
        if (const auto done = prepare(); !done) return done.error();
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

Result<bool> Statement::next() {
    if (!answer_) {
        auto answered = run();
        if (!answered) return answered.error();
        answer_ = std::move(*answered);
        row_ = -1;
    }
    return ++row_ < answer_.rows();
}

void Statement::reset() {
    answer_.clear();
}

}  // namespace meterbox::platform::postgres
