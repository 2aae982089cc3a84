// The identities of events already taken, as keyed hashes: the one place that decides whether an
// event is new. Works inside the journal's transaction; store side. Nothing else knows how they are
// kept (docs/decisions/0002).
//
// Random keys put into a B-tree touch a page each, and every page touched is written whole, twice. So a
// commit writes what it remembers as one row, in the order of arrival, and keeps it in memory; once
// enough has gathered, the commits that follow move it over to the B-tree in the order of the keys, a
// few for each new one, so that no commit pays for many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/identity.hpp"
#include "platform/sqlite/statement.hpp"

namespace meterbox::platform::sqlite {
class Connection;
}

namespace meterbox::agent {

class IdentityStore {
public:
    enum class Seen {
        fresh,      // remembered from now on
        duplicate,  // taken before, with the same contents
        conflict,   // taken before, with other contents
    };

    // Reads what is not yet in the B-tree. Throws std::runtime_error if it can't.
    explicit IdentityStore(platform::sqlite::Connection& connection);
    ~IdentityStore();

    // day: of arrival, in days since 1970; it decides when the identity may be forgotten.
    [[nodiscard]] core::Result<Seen> remember(const core::IdentityHash& identity, std::uint64_t contents,
                                              std::int64_t day);
    // Takes back the last that remember() called fresh in this transaction, and so on to the first.
    void take_back(const core::IdentityHash& identity);

    // Those that came before `day`: of the next `rows` after `place` (none: from the beginning, and with it
    // all those in memory). Moves `place` on; none: that was all.
    [[nodiscard]] core::Result<std::vector<core::IdentityHash>> older_than(
        std::int64_t day, std::optional<core::IdentityHash>& place, std::size_t rows);
    [[nodiscard]] core::Result<void> forget(const core::IdentityHash& identity);

    // The transaction's end: flush() inside it, before the commit, then one of the other two.
    [[nodiscard]] core::Result<void> flush();
    void committed();
    void rolled_back();

private:
    struct Recent;

    [[nodiscard]] core::Result<void> write_added();
    [[nodiscard]] core::Result<void> move_some();
    [[nodiscard]] core::Result<void> delete_some();

    platform::sqlite::Connection& connection_;
    platform::sqlite::Statement insert_;
    platform::sqlite::Statement find_;
    platform::sqlite::Statement remove_;
    platform::sqlite::Statement walk_;
    platform::sqlite::Statement add_recent_;
    platform::sqlite::Statement delete_recent_;
    std::unique_ptr<Recent> recent_;
};

}  // namespace meterbox::agent
