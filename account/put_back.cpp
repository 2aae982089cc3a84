#include "account/put_back.hpp"

#include <string>

#include "account/learning.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

Result<void> begin(Store& store, std::optional<std::int64_t> wanted) {
    Database& database = store.database();
    const auto refused = [](const char* why) { return Error{ErrorCode::conflict, why, std::nullopt, {}}; };
    if (database.number("SELECT count(*) FROM team") == 0 && !database.failed())
        return refused("there is no team in this database: put the copy back first");
    const std::int64_t known = database.number("SELECT epoch FROM account");
    const std::int64_t epoch = wanted.value_or(known + 1);
    if (!database.failed() && epoch <= known)
        return Error{ErrorCode::conflict,
                     "--epoch " + std::to_string(epoch) + ": epoch " + std::to_string(known) + " has been",
                     std::nullopt,
                     {}};
    begin_epoch(database, epoch, store.now(), "the database was put back: epoch " + std::to_string(epoch));
    if (database.failed()) return database.error();
    return {};
}

}  // namespace

Result<void> begin_anew(Store& store, std::optional<std::int64_t> epoch) {
    const auto alone = store.connection().keep_from_serving();
    if (!alone) return alone.error();
    if (!*alone)
        return Error{ErrorCode::unreachable,
                     "the service runs on this database: stop every process of it first",
                     std::nullopt,
                     {}};
    if (auto begun = store.connection().begin(); !begun) return begun;
    const auto done = begin(store, epoch);
    if (done) return store.connection().commit();
    store.connection().rollback();
    return done;
}

}  // namespace meterbox::account
