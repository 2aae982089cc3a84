// The identities of events already taken, as keyed hashes: the one place that decides whether an
// event is new. Works inside the journal's transaction. Nothing else knows how they are kept, so that
// the table can be exchanged for a faster structure (docs/decisions/0002).
#pragma once

#include <cstddef>
#include <cstdint>
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

    explicit IdentityStore(platform::sqlite::Connection& connection);

    // day: of arrival, in days since 1970; it decides when the identity may be forgotten.
    [[nodiscard]] core::Result<Seen> remember(const core::IdentityHash& identity, std::uint64_t contents,
                                              std::int64_t day);
    // Takes back what remember() called fresh in this transaction.
    [[nodiscard]] core::Result<void> forget(const core::IdentityHash& identity);
    // Of the next `rows` identities after `place` (none: from the beginning) those that came before `day`.
    // Moves `place` on; none: that was all.
    [[nodiscard]] core::Result<std::vector<core::IdentityHash>> older_than(
        std::int64_t day, std::optional<core::IdentityHash>& place, std::size_t rows);

private:
    platform::sqlite::Connection& connection_;
    platform::sqlite::Statement insert_;
    platform::sqlite::Statement find_;
    platform::sqlite::Statement remove_;
    platform::sqlite::Statement walk_;
};

}  // namespace meterbox::agent
