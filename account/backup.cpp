// Copies of the database, and the table kept_file in them.
#include "account/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "account/learning.hpp"
#include "account/schema.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/sqlite/migrations.hpp"
#include "platform/system/files.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
namespace sqlite = platform::sqlite;
namespace system = platform::system;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;
constexpr int pages_at_once = 16;
constexpr mode_t secret_mode = 0600;
constexpr mode_t public_mode = 0644;
constexpr std::array<std::string_view, 4> kept_files{"ca.crt", "ca.key", "lease.key", "admin.token"};

// The files of the folder that a backup has in it, and no others: `lease-KID.key` are keys that were rolled
// to.
bool is_kept(std::string_view name) {
    const bool rolled =
        name.starts_with("lease-") && name.ends_with(".key") && name.find('/') == std::string_view::npos;
    return rolled || std::ranges::find(kept_files, name) != kept_files.end();
}

Error failed_with(std::string detail) {
    return {ErrorCode::storage, std::move(detail), std::nullopt, {}};
}

Result<void> sync_file(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0) ::close(descriptor);
    if (!synced) return failed_with(path.string() + " can't be written to the disk");
    return {};
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
    std::error_code failure;
    fs::rename(from, to, failure);
    if (failure)
        return failed_with(from.string() + " can't become " + to.string() + ": " + failure.message());
    return system::sync_directory(to.parent_path().empty() ? "." : to.parent_path());
}

void remove_copy(const fs::path& path) {
    for (const char* end : {"", "-wal", "-journal"}) {
        std::error_code ignored;
        fs::remove(path.string() + end, ignored);
    }
}

Result<void> add_kept_files(sqlite::Connection& copy, const fs::path& folder) {
    if (auto made = copy.execute("CREATE TABLE kept_file (name TEXT PRIMARY KEY, contents TEXT NOT NULL)");
        !made)
        return made;
    auto add = copy.prepare("INSERT INTO kept_file (name, contents) VALUES (?, ?)");
    if (!add) return add.error();
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(folder, failure)) {
        const std::string name = entry.path().filename().string();
        if (!is_kept(name)) continue;
        const auto contents = system::read_file(entry.path(), kept_bytes_max);
        if (!contents) return contents.error();
        if (auto added = add->run(name, *contents); !added) return added;
    }
    if (failure) return failed_with(folder.string() + " can't be read: " + failure.message());
    return {};
}

// Of a copy of the database: with all else that a backup has in it, and on the disk.
Result<void> complete(Store& store, const fs::path& copy) {
    auto connection = sqlite::Connection::open({copy, application_id, false, 0});
    if (!connection) return connection.error();
    if (auto added = add_kept_files(**connection, store.folder()); !added) return added;
    // One file, without a log beside it.
    if (auto alone = (*connection)->execute("PRAGMA journal_mode=DELETE"); !alone) return alone;
    connection->reset();
    return sync_file(copy);
}

// Of the store that is replaced: what the one that comes must not fall behind.
struct LeaseKeyThere {
    std::string kid, x, y;
    core::UtcTime made_at;
    std::optional<std::string> vouched;
};
struct StoreThere {
    std::string account;
    std::int64_t epoch = 0;
    std::vector<LeaseKeyThere> lease_keys;
};

// Nobody else may have it. One that is damaged says nothing: that may be why it is replaced.
Result<StoreThere> store_there(const fs::path& folder) {
    if (!fs::exists(folder / "account.db")) return StoreThere{};
    sqlite::StorageFault fault{};
    auto connection = sqlite::Connection::open({folder / "account.db", application_id, false, 0}, &fault);
    if (!connection && fault == sqlite::StorageFault::busy)
        return Error{ErrorCode::unreachable,
                     "another meterbox-account has " + folder.string() + " open: stop it first",
                     std::nullopt,
                     {}};
    if (!connection) return StoreThere{};
    if (!sqlite::migrate(**connection, migrations())) return StoreThere{};
    Database database(**connection);
    StoreThere there;
    database.each("SELECT id, epoch FROM account", [&](auto& row) {
        there.account = row.string(0);
        there.epoch = row.integer(1);
    });
    database.each("SELECT kid, x, y, created_at, vouched FROM lease_key ORDER BY number", [&](auto& row) {
        std::optional<std::string> vouched;
        if (!row.is_null(4)) vouched = row.string(4);
        there.lease_keys.push_back(
            {row.string(0), row.string(1), row.string(2), {row.integer(3)}, std::move(vouched)});
    });
    return there;
}

// Agents that followed to a newer key believe no lease that an older one signed.
void keep_lease_keys(Database& database, const StoreThere& there) {
    const auto account = database.first("SELECT id FROM account", [](auto& row) { return row.string(0); });
    if (account != there.account) return;
    for (const LeaseKeyThere& key : there.lease_keys)
        database.run(
            "INSERT INTO lease_key (kid, x, y, created_at, vouched) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO "
            "NOTHING",
            key.kid, key.x, key.y, key.made_at, key.vouched);
}

// What a restored database must know before anybody uses it.
Result<void> prepare(sqlite::Connection& connection, const StoreThere& there, const fs::path& file,
                     core::UtcTime now) {
    const auto whole = connection.number(
        "SELECT count(*) FROM pragma_integrity_check WHERE "
        "integrity_check <> 'ok'");
    if (!whole) return whole.error();
    if (*whole != 0) return failed_with(file.string() + " is damaged: another backup is needed");
    if (auto migrated = sqlite::migrate(connection, migrations()); !migrated) return migrated;
    if (auto begun = connection.begin(); !begun) return begun;
    Database database(connection);
    const std::int64_t epoch = std::max(there.epoch, database.number("SELECT epoch FROM account")) + 1;
    begin_epoch(
        database, epoch, now,
        "the store was restored from " + file.filename().string() + ": epoch " + std::to_string(epoch));
    keep_lease_keys(database, there);
    database.run("DROP TABLE kept_file");
    if (database.failed()) {
        const Error error = database.error();
        connection.rollback();
        return error;
    }
    return connection.commit();
}

struct Kept {
    std::string name;
    std::string contents;
};
Result<std::vector<Kept>> kept_in(sqlite::Connection& connection, const fs::path& file) {
    const auto there = connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'kept_file'");
    if (!there) return there.error();
    if (*there == 0) return failed_with(file.string() + " is no backup of an account");
    std::vector<Kept> kept;
    Database database(connection);
    database.each("SELECT name, contents FROM kept_file", [&](auto& row) {
        kept.push_back({row.string(0), row.string(1)});
    });
    if (database.failed()) return database.error();
    return kept;
}

// By a second name: without an account.db, for a moment of which the power may be cut, the service would
// begin an empty account.
Result<void> keep_aside(const fs::path& database, core::UtcTime now) {
    fs::path aside;
    do {
        aside = database.string() + ".before-" + std::to_string(now.ms++);
    } while (fs::exists(aside));
    std::error_code failure;
    fs::create_hard_link(database, aside, failure);
    if (failure)
        return failed_with(database.string() + " can't be kept as " + aside.string() + ": " +
                           failure.message());
    if (auto synced = system::sync_directory(database.parent_path()); !synced) return synced;
    // Only what is damaged has a log still. It must not stay beside another database.
    const fs::path log = database.string() + "-wal";
    if (!fs::exists(log)) return {};
    return rename_file(log, aside.string() + "-wal");
}

Result<void> put_in_place(const fs::path& folder, const fs::path& copy, const std::vector<Kept>& kept,
                          core::UtcTime now) {
    for (const Kept& file : kept) {
        if (!is_kept(file.name)) continue;
        const mode_t mode = file.name == "ca.crt" ? public_mode : secret_mode;
        if (auto written = system::write_file(folder / file.name, file.contents, mode); !written)
            return written;
    }
    const fs::path database = folder / "account.db";
    if (fs::exists(database))
        if (auto done = keep_aside(database, now); !done) return done;
    return rename_file(copy, database);
}

}  // namespace

Backup::Backup(fs::path file) : file_(std::move(file)), part_(file_.string() + ".part") {}

Backup::~Backup() {
    if (!begun_) return;
    copy_.reset();
    remove_copy(part_);
}

Result<bool> Backup::go_on(Store& store, const std::function<bool()>& over) {
    if (!begun_) {
        if (fs::exists(file_))
            return Error{ErrorCode::conflict, file_.string() + " is there already", std::nullopt, {}};
        remove_copy(part_);
        METERBOX_ASSERT(!store.shared());
        auto copy = sqlite::OnlineCopy::begin(dynamic_cast<sqlite::Connection&>(store.connection()), part_);
        if (!copy) return copy.error();
        copy_ = std::move(*copy);
        begun_ = true;
    }
    do {
        const auto more = copy_->go_on(pages_at_once);
        if (!more) return more.error();
        if (!*more) return finish(store);
    } while (!over());
    return true;
}

Result<bool> Backup::finish(Store& store) {
    copy_.reset();
    if (const auto completed = complete(store, part_); !completed) return completed.error();
    if (const auto renamed = rename_file(part_, file_); !renamed) return renamed.error();
    return false;
}

std::string folder_seen(const fs::path& file) {
    struct stat status {};
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (::stat(folder.c_str(), &status) != 0) return {};
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

Result<void> back_up(Store& store, const fs::path& file) {
    Backup backup(file);
    const auto more = backup.go_on(store, [] { return false; });
    if (!more) return more.error();
    return {};
}

Outcome backup_outcome(Store& store, const fs::path& file) {
    const auto done = back_up(store, file);
    return done ? Outcome{exit_done, {}, {}} : from_error(done.error());
}

LongCommand backup_command(const fs::path& file) {
    const auto backup = std::make_shared<Backup>(file);
    return [backup](Store& store, const std::function<bool()>& over) -> std::optional<Outcome> {
        const auto more = backup->go_on(store, over);
        if (!more) return from_error(more.error());
        if (*more) return std::nullopt;
        return Outcome{exit_done, {}, {}};
    };
}

Result<void> restore(const fs::path& folder, const fs::path& file, system::Clock& clock) {
    if (auto made = system::make_directory(folder, 0700); !made) return made;
    const auto there = store_there(folder);
    if (!there) return there.error();
    const fs::path copy = folder / "account.db.restored";
    remove_copy(copy);
    std::error_code failure;
    if (!fs::copy_file(file, copy, failure))
        return failed_with(file.string() + " can't be read: " + failure.message());
    const auto prepared = [&]() -> Result<std::vector<Kept>> {
        if (::chmod(copy.c_str(), secret_mode) != 0)
            return failed_with(copy.string() + " can't be made secret");
        auto connection = sqlite::Connection::open({copy, application_id, false, 0});
        if (!connection) return failed_with(file.string() + " is no backup of an account");
        auto kept = kept_in(**connection, file);
        if (!kept) return kept;
        if (auto done = prepare(**connection, *there, file, clock.wall_now()); !done) return done.error();
        if (auto alone = (*connection)->execute("PRAGMA journal_mode=DELETE"); !alone) return alone.error();
        return kept;
    }();
    if (prepared)
        if (auto synced = sync_file(copy); synced)
            return put_in_place(folder, copy, *prepared, clock.wall_now());
    remove_copy(copy);
    return prepared ? Result<void>(failed_with(copy.string() + " can't be written to the disk"))
                    : Result<void>(prepared.error());
}

}  // namespace meterbox::account
