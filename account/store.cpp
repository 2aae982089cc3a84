// Opening and preparing the store's folder.
#include "account/store.hpp"

#include "account/schema.hpp"
#include "platform/system/files.hpp"

namespace meterbox::account {

using core::Result;
namespace sqlite = platform::sqlite;

namespace {

constexpr std::int64_t wait_for_other_process_ms = 2'000;
constexpr mode_t folder_mode = 0700;

}  // namespace

Store::Store(std::filesystem::path folder, std::unique_ptr<sqlite::Connection> connection,
             Authority authority, platform::system::Clock& clock, platform::system::Random& random)
    : folder_(std::move(folder)),
      connection_(std::move(connection)),
      database_(*connection_),
      authority_(std::move(authority)),
      signer_(folder_, database_),
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

    auto authority = load_or_make_authority(folder, clock.wall_now());
    if (!authority) return authority.error();
    std::unique_ptr<Store> store(
        new Store(folder, std::move(*connection), std::move(*authority), clock, random));
    if (const auto prepared = store->prepare(); !prepared) return prepared.error();
    return store;
}

Result<void> Store::prepare() {
    const bool known = database_.number("SELECT count(*) FROM lease_key") != 0 &&
                       database_.number("SELECT count(*) FROM account") != 0;
    if (known) return {};
    const auto key = signer_.first();
    if (!key) return key.error();
    if (const auto begun = connection_->begin(); !begun) return begun.error();
    database_.run(
        "INSERT INTO account (one, id, epoch, catalogue_version, last_transaction) VALUES (1, ?, 1, 1, 0) "
        "ON CONFLICT DO NOTHING",
        "acc-" + platform::system::random_hex(random_, 8));
    database_.run("INSERT INTO lease_key (kid, x, y, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  key->kid, key->x, key->y, now());
    if (database_.failed()) {
        connection_->rollback();
        return database_.error();
    }
    return connection_->commit();
}

}  // namespace meterbox::account
