// Preparing on first use, and the error that sticks.
#include "account/database.hpp"

#include <sstream>

namespace meterbox::account {

platform::sql::Statement* Database::prepared(std::string_view sql) {
    if (failed()) return nullptr;
    auto known = statements_.find(sql);
    if (known == statements_.end()) {
        auto made = connection_.kept_statement(sql);
        if (!made) {
            fail(made.error());
            return nullptr;
        }
        known = statements_.emplace(sql, Kept{std::move(*made), changed_by_running(sql)}).first;
    }
    if (known->second.changes) ++*known->second.changes;
    return known->second.statement.get();
}

// INSERT INTO table, UPDATE table, DELETE FROM table; ROLLBACK TO savepoint.
std::int64_t* Database::changed_by_running(std::string_view sql) {
    std::istringstream words{std::string(sql)};
    std::string verb, table;
    words >> verb >> table;
    if (verb == "ROLLBACK") return &undone_;
    if (verb == "INSERT" || verb == "DELETE") words >> table;
    const bool writes = verb == "INSERT" || verb == "DELETE" || verb == "UPDATE";
    return writes ? &writes_[table] : nullptr;
}

Database::Moment Database::moment_of(const std::string& table) {
    return {connection_.turns(), undone_, writes_[table]};
}

void Database::fail(const core::Error& error) {
    if (!error_) error_ = error;
}

}  // namespace meterbox::account
