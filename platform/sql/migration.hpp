// A step of a schema, in the words of SQLite. What another database needs to be said otherwise is marked in
// the text: docs/decisions/0009-postgresql.md.
#pragma once

#include <cstdint>

namespace meterbox::platform::sql {

struct Migration {
    std::int64_t version;  // 1, 2, 3, ...
    const char* sql;
};

}  // namespace meterbox::platform::sql
