// Bringing a database to the schema of this version: numbered steps, each one transaction, counted in
// user_version. A step that was released is never edited; a new one is added. A database of a newer
// version is refused, not guessed at.
#pragma once

#include <cstdint>
#include <span>

#include "core/error.hpp"
#include "platform/sql/migration.hpp"

namespace meterbox::platform::sqlite {

class Connection;

using sql::Migration;

[[nodiscard]] core::Result<void> migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace meterbox::platform::sqlite
