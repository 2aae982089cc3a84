#include "platform/sqlite/migrations.hpp"

#include <string>

#include "core/assert.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::platform::sqlite {
namespace {

using core::Result;

Result<void> apply(Connection& connection, const Migration& step) {
    if (auto begun = connection.begin(); !begun) return begun;
    auto done = connection.execute(step.sql);
    if (done) done = connection.execute("PRAGMA user_version=" + std::to_string(step.version));
    if (done) return connection.commit();
    connection.rollback();
    return done;
}

}  // namespace

Result<void> migrate(Connection& connection, std::span<const Migration> steps) {
    std::int64_t newest = 0;
    for (const Migration& step : steps) METERBOX_ASSERT(step.version == ++newest);

    const auto version = connection.number("PRAGMA user_version");
    if (!version) return version.error();
    if (*version > newest) {
        return core::Error{core::ErrorCode::storage,
                           connection.path().string() + " has schema version " + std::to_string(*version) +
                               ", this program knows versions up to " + std::to_string(newest) +
                               ": install the newer program again",
                           {},
                           {}};
    }
    for (const Migration& step : steps) {
        if (step.version <= *version) continue;
        if (auto done = apply(connection, step); !done) return done;
    }
    return {};
}

}  // namespace meterbox::platform::sqlite
