#include "tests/sim/table_watch.hpp"

#define SQLITE_ENABLE_PREUPDATE_HOOK  // Debian's has it
#include <sqlite3.h>

#include <utility>

#include "core/assert.hpp"

namespace meterbox::sim {

namespace {

ChangedTables changed;

void note_change(void*, sqlite3*, int, const char*, const char* table, sqlite3_int64, sqlite3_int64) {
    changed.add(table);
}

// Called by SQLite with each connection that is opened.
int watch(sqlite3* database, const char**, const void*) {
    const char* const path = sqlite3_db_filename(database, "main");
    if (path == nullptr || !std::string_view(path).ends_with("/account.db")) return SQLITE_OK;
    changed.add_all();
    sqlite3_preupdate_hook(database, note_change, nullptr);
    return SQLITE_OK;
}

}  // namespace

void watch_tables() {
    METERBOX_ASSERT(sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch)) == SQLITE_OK);
}

ChangedTables take_changed_tables() {
    return std::exchange(changed, {});
}

}  // namespace meterbox::sim
