// Preparing on first use, and the error that sticks.
#include "account/database.hpp"

namespace meterbox::account {

platform::sql::Statement* Database::prepared(std::string_view sql) {
    if (failed()) return nullptr;
    if (const auto known = statements_.find(sql); known != statements_.end()) return known->second.get();
    auto made = connection_.kept_statement(sql);
    if (!made) {
        fail(made.error());
        return nullptr;
    }
    return statements_.emplace(sql, std::move(*made)).first->second.get();
}

void Database::fail(const core::Error& error) {
    if (!error_) error_ = error;
}

}  // namespace meterbox::account
