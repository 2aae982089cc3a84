// The account's tables. Numbered steps; a released step is never edited. What each table and
// column means is said beside it, in the SQL.
#pragma once

#include <cstdint>
#include <span>

#include "platform/sql/migration.hpp"

namespace meterbox::account {

inline constexpr std::int32_t application_id = 0x6d626163;  // "mbac"

// Of a database that has other things in it, too.
inline constexpr const char* schema_name = "meterbox";
// The row that whoever writes locks first, so that all processes write one after the other.
inline constexpr const char* turn_statement = "SELECT 1 FROM account WHERE one = 1 FOR UPDATE";

// Whose it is.
inline constexpr const char* identity_question = "SELECT id FROM account";

std::span<const platform::sql::Migration> migrations();

}  // namespace meterbox::account
