// The journal's tables (docs/DATA.md explains them), as numbered migrations.
#pragma once

#include <span>

#include "platform/sqlite/migrations.hpp"

namespace meterbox::agent {

inline constexpr std::int32_t journal_application_id = 0x6d74726a;  // "mtrj"

std::span<const platform::sqlite::Migration> journal_migrations();

}  // namespace meterbox::agent
