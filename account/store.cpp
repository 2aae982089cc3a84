// Opening and preparing the store.
#include "account/store.hpp"

#include "account/schema.hpp"
#include "platform/postgres/connection.hpp"
#include "platform/postgres/migrations.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/sqlite/migrations.hpp"
#include "platform/system/files.hpp"

namespace meterbox::account {

using core::Result;
namespace sqlite = platform::sqlite;

namespace {

constexpr std::int64_t wait_for_other_process_ms = 2'000;
constexpr mode_t folder_mode = 0700;

std::unique_ptr<KeptFiles> files_in(const std::filesystem::path& folder, Database& database) {
    if (folder.empty()) return std::make_unique<FilesInDatabase>(database);
    return std::make_unique<FilesInFolder>(folder);
}

}  // namespace

Store::Store(std::filesystem::path folder, std::unique_ptr<platform::sql::Connection> connection,
             platform::system::Clock& clock, platform::system::Random& random)
    : folder_(std::move(folder)),
      connection_(std::move(connection)),
      database_(*connection_, &random),
      files_(files_in(folder_, database_)),
      signer_(*files_, database_),
      clock_(clock),
      random_(random),
      opened_at_(clock.wall_now()) {}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& folder,
                                           platform::system::Clock& clock, platform::system::Random& random) {
    if (const auto made = platform::system::make_directory(folder, folder_mode); !made) return made.error();
    sqlite::StorageFault fault{};
    auto connection = sqlite::Connection::open(
        {folder / "account.db", application_id, true, wait_for_other_process_ms}, &fault);
    if (!connection) {
        core::Error error = connection.error();
        if (fault == sqlite::StorageFault::busy) {
            error.code = core::ErrorCode::unreachable;
            error.detail =
                "another meterbox-account has " + folder.string() + " open: try again when it is done";
        }
        return error;
    }
    if (const auto migrated = sqlite::migrate(**connection, migrations()); !migrated) return migrated.error();

    std::unique_ptr<Store> store(new Store(folder, std::move(*connection), clock, random));
    if (const auto prepared = store->prepare(); !prepared) return prepared.error();
    return store;
}

Result<std::unique_ptr<Store>> Store::open_database(const std::string& url, platform::system::Clock& clock,
                                                    platform::system::Random& random) {
    namespace postgres = platform::postgres;
    auto connection = postgres::Connection::open({url, schema_name, turn_statement, identity_question});
    if (!connection) return connection.error();
    if (const auto migrated = postgres::migrate(**connection, schema_name, migrations()); !migrated)
        return migrated.error();
    std::unique_ptr<Store> store(new Store({}, std::move(*connection), clock, random));
    if (const auto prepared = store->prepare(); !prepared) return prepared.error();
    return store;
}

Result<void> Store::prepare() {
    const bool known = database_.number("SELECT count(*) FROM lease_key") != 0 &&
                       database_.number("SELECT count(*) FROM account") != 0;
    if (database_.failed()) return database_.error();
    if (known) return take_authority();
    if (const auto begun = connection_->begin(); !begun) return begun.error();
    const auto made = make_account();
    if (made) return connection_->commit();
    connection_->rollback();
    return made;
}

Result<void> Store::take_authority() {
    auto authority = load_or_make_authority(*files_, now());
    if (!authority) return authority.error();
    authority_ = std::move(*authority);
    return {};
}

// The account's row comes first: of several processes that find none, the others wait at it, and then find
// what the first one made.
Result<void> Store::make_account() {
    database_.run(
        "INSERT INTO account (one, id, epoch, catalogue_version) VALUES (1, ?, 1, 1) "
        "ON CONFLICT DO NOTHING",
        "acc-" + platform::system::random_hex(random_, 8));
    if (const auto taken = take_authority(); !taken) return taken;
    const auto key = signer_.first();
    if (!key) return key.error();
    database_.run("INSERT INTO lease_key (kid, x, y, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  key->kid, key->x, key->y, now());
    if (database_.failed()) return database_.error();
    return {};
}

}  // namespace meterbox::account
