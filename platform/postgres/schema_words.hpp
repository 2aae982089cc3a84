// A schema in the words of SQLite, in those of PostgreSQL. By rule: STRICT and WITHOUT ROWID go, INTEGER is
// BIGINT, a row's number is an identity, TEXT is compared by its bytes, a trigger that refuses calls
// the function refuse(). What no rule covers is said twice: between the lines `-- for SQLite` and `-- for
// both` stands what is left out here, and a line that begins with `--pg ` is for PostgreSQL alone. Pure.
#pragma once

#include <string>
#include <string_view>

namespace meterbox::platform::postgres {

std::string in_words_of_postgres(std::string_view schema);

}  // namespace meterbox::platform::postgres
