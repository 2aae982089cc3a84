#include "platform/sqlite/library.hpp"

#include <sqlite3.h>

#include "core/assert.hpp"

namespace meterbox::platform::sqlite {
namespace {

bool start() {
    // Nobody asks how much memory it uses, and to count it takes a lock for each piece. Refused where
    // something else has started SQLite already: then it counts.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    METERBOX_ASSERT(sqlite3_initialize() == SQLITE_OK);
    return true;
}

}  // namespace

void start_library() {
    static const bool started = start();
    static_cast<void>(started);
}

}  // namespace meterbox::platform::sqlite
