// Bringing a database to the schema of this version, in one transaction; whoever comes at the same time
// waits, and finds it done. The same numbered steps as in SQLite, counted in schema_version. A database of
// a newer version is refused. From then on the connection begins nothing at another version.
#pragma once

#include <span>
#include <string>

#include "core/error.hpp"
#include "platform/postgres/connection.hpp"
#include "platform/sql/migration.hpp"

namespace meterbox::platform::postgres {

[[nodiscard]] core::Result<void> migrate(Connection& connection, const std::string& schema,
                                         std::span<const sql::Migration> steps);

}  // namespace meterbox::platform::postgres
