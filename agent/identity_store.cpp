#include "agent/identity_store.hpp"

#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

IdentityStore::IdentityStore(platform::sqlite::Connection& connection)
    : connection_(connection),
      insert_(connection.statement("INSERT OR IGNORE INTO identity(hash, contents, day) VALUES(?, ?, ?)")),
      find_(connection.statement("SELECT contents FROM identity WHERE hash = ?")),
      remove_(connection.statement("DELETE FROM identity WHERE hash = ?")) {}

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

}  // namespace meterbox::agent
