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
    : Statement(connection, with_numbered_parameters(sql), number) {}

Statement::Statement(Connection& connection, NumberedSql numbered, int number)
    : connection_(connection),
      sql_(std::move(numbered.text)),
      name_("s" + std::to_string(number)),
      types_(numbered.parameters),
      values_(numbered.parameters),
      lengths_(numbered.parameters),
      formats_(numbered.parameters, binary),
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
    if (auto heard = connection_.nothing_unheard(); !heard) return heard;
    const Library& library = connection_.library_;
    auto done = connection_.take(library.PQprepare(connection_.connection_, name_.c_str(), sql_.c_str(),
                                                   static_cast<int>(types_.size()), types_.data()),
                                 "can't use");
    if (!done) return done.error();
    prepared_ = true;
    return {};
}

bool Statement::send() {
    const Library& library = connection_.library_;
    if (connection_.unheard_ == 0 && library.PQenterPipelineMode(connection_.connection_) != 1) return false;
    return library.PQsendQueryPrepared(connection_.connection_, name_.c_str(),
                                       static_cast<int>(values_.size()), values_.data(), lengths_.data(),
                                       formats_.data(), 0) == 1;
}

Result<Answer> Statement::run() {
    if (!prepared_)
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
    if (!prepared_)
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
    if (kept)
        if (auto known = recent_.find(asked)) return known;
    auto answer = run();
    if (!answer) return answer.error();
    auto shared = std::make_shared<const Answer>(std::move(*answer));
    if (kept) recent_.keep(asked, shared);
    return std::shared_ptr<const Answer>(std::move(shared));
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
