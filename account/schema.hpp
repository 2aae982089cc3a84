// The account's tables (SQLite). Numbered steps; a released step is never edited. What each table and
// column means is said beside it, in the SQL.
#pragma once

#include <cstdint>
#include <span>

#include "platform/sqlite/migrations.hpp"

namespace meterbox::account {

inline constexpr std::int32_t application_id = 0x6d626163;  // "mbac"

std::span<const platform::sqlite::Migration> migrations();

}  // namespace meterbox::account
