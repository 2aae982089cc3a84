#include "agent/identity_store.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

IdentityStore::IdentityStore(platform::sqlite::Connection& connection)
    : connection_(connection),
      insert_(connection.statement("INSERT OR IGNORE INTO identity(hash, contents, day) VALUES(?, ?, ?)")),
      find_(connection.statement("SELECT contents FROM identity WHERE hash = ?")),
      remove_(connection.statement("DELETE FROM identity WHERE hash = ?")),
      walk_(connection.statement("SELECT hash, day FROM identity WHERE hash > ? ORDER BY hash LIMIT ?")) {}

core::Result<IdentityStore::Seen> IdentityStore::remember(const core::IdentityHash& identity,
                                                          std::uint64_t contents, std::int64_t day) {
    const auto stored_contents = static_cast<std::int64_t>(contents);
    const auto inserted = insert_.run(identity, stored_contents, day);
    if (!inserted) return inserted.error();
    if (connection_.changes() == 1) return Seen::fresh;

    platform::sqlite::Cursor row = find_.query(identity);
    const auto found = row.next();
    if (!found) return found.error();
    return *found && row.integer(0) == stored_contents ? Seen::duplicate : Seen::conflict;
}

core::Result<void> IdentityStore::forget(const core::IdentityHash& identity) {
    return remove_.run(identity);
}

core::Result<std::vector<core::IdentityHash>> IdentityStore::older_than(
    std::int64_t day, std::optional<core::IdentityHash>& place, std::size_t rows) {
    std::vector<core::IdentityHash> old;
    core::IdentityHash last;
    std::size_t visited = 0;
    const platform::sqlite::Blob after =
        place ? platform::sqlite::Blob(place->bytes) : platform::sqlite::Blob();
    platform::sqlite::Cursor row = walk_.query(after, rows);
    for (;; ++visited) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) break;
        const platform::sqlite::Blob hash = row.blob(0);
        METERBOX_ASSERT(hash.size() == last.bytes.size());
        std::copy(hash.begin(), hash.end(), last.bytes.begin());
        if (row.integer(1) < day) old.push_back(last);
    }
    place = visited == rows ? std::optional(last) : std::nullopt;
    return old;
}

}  // namespace meterbox::agent
