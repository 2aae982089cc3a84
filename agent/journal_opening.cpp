#include "agent/journal_opening.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/journal_schema.hpp"
#include "agent/stated_totals.hpp"
#include "core/resource.hpp"
#include "platform/sqlite/migrations.hpp"
#include "platform/system/files.hpp"

namespace meterbox::agent {

namespace fs = std::filesystem;
using platform::sqlite::Connection;
using platform::sqlite::Cursor;
using platform::sqlite::StorageFault;

namespace {

constexpr std::string_view log_suffix = "-wal";

// What a start reads anyway: damage there is found while another journal can still be begun.
constexpr const char* first_reads[] = {
    "SELECT coalesce(sum(length(value)), 0) FROM meta",
    "SELECT coalesce(sum(metered), 0) FROM resource",
    "SELECT count(*) FROM tranche",
    "SELECT coalesce(sum(length(entries)), 0) FROM identity_recent",
    "SELECT length(hash) FROM link ORDER BY seq DESC LIMIT 1",
    "SELECT taken_at_ms FROM event ORDER BY seq DESC LIMIT 1",
    "SELECT count(*) FROM usage_pending p JOIN usage u USING (resource, hour, subject)",
    "SELECT coalesce(max(changed), 0) FROM unit_hour",
    "SELECT count(*) FROM session WHERE ended_at_ms IS NULL",
};

// What the first row says of which there is something to say; empty: none.
template <class Says>
core::Result<std::string> first_said(Connection& connection, const char* sql, Says says) {
    auto statement = connection.prepare(sql);
    if (!statement) return statement.error();
    Cursor row = statement->query();
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return std::string();
        if (std::string said = says(row); !said.empty()) return said;
    }
}

// What no commit leaves, and no ledger can be built upon. Empty: nothing of that kind.
core::Result<std::string> contradiction_in(Connection& connection) {
    auto said = first_said(
        connection,
        "SELECT key, kind, measure, enforcement, metered >= 0 AND unit_size > 0 AND "
        "NOT EXISTS (SELECT 1 FROM tranche WHERE resource = r.id AND used > r.metered / r.unit_size) AND "
        "(SELECT coalesce(sum(used), 0) FROM tranche WHERE resource = r.id) <= metered / unit_size "
        "FROM resource r",
        [](Cursor& row) -> std::string {
            const bool named = core::kind_from(row.text(1)) && core::measure_from(row.text(2)) &&
                               core::enforcement_from(row.text(3));
            if (!named) return "nothing can be metered as resource " + row.string(0) + " says";
            if (row.integer(4) != 0) return {};
            return "resource " + row.string(0) + " has used more units than were completed";
        });
    if (!said || !said->empty()) return said;
    return first_said(
        connection,
        "SELECT id, tier, granted >= 0 AND used >= 0 AND returned >= 0 AND used <= granted - returned FROM "
        "tranche",
        [](Cursor& row) -> std::string {
            if (core::tier_from(row.text(1)) && row.integer(2) != 0) return {};
            return "tranche " + row.string(0) + " has used or returned more than it was granted";
        });
}

// A journal from before the chain has no links either, but doesn't say that its chain has begun.
core::Result<std::string> chain_missing(Connection& connection) {
    return first_said(connection,
                      "SELECT 1 FROM meta WHERE key = 'chain' AND EXISTS (SELECT 1 FROM resource) AND NOT "
                      "EXISTS (SELECT 1 FROM link)",
                      [](Cursor&) -> std::string { return "all links of its chain are gone"; });
}

// What shows that somebody edited it. Empty: nothing does.
core::Result<std::string> edited_in(Connection& connection) {
    auto found = contradiction_in(connection);
    if (!found) return found;
    if (!found->empty()) return "its tables contradict each other: " + *found;
    found = chain_missing(connection);
    if (!found || !found->empty()) return found;
    found = difference_from_links(connection);
    if (!found || found->empty()) return found;
    return "its totals are not those that its chain states: " + *found;
}

std::string prefix_of(const fs::path& path) {
    return path.filename().string() + ".damaged-";
}

fs::path folder_of(const fs::path& path) {
    return path.parent_path().empty() ? fs::path(".") : path.parent_path();
}

// By their numbers, rising.
std::vector<std::int64_t> numbers_set_aside(const fs::path& path) {
    const std::string prefix = prefix_of(path);
    std::vector<std::int64_t> numbers;
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(folder_of(path), unreadable)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        std::int64_t number = 0;
        const char* const end = name.data() + name.size();
        const auto read = std::from_chars(name.data() + prefix.size(), end, number);
        if (read.ec == std::errc{} && read.ptr == end) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

fs::path set_aside_path(const fs::path& path, std::int64_t number) {
    return folder_of(path) / (prefix_of(path) + std::to_string(number));
}

core::Result<void> rename_file(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::rename(from, to, failed);
    if (!failed || failed == std::errc::no_such_file_or_directory) return {};
    return core::Error{
        core::ErrorCode::storage, "can't set aside " + from.string() + ": " + failed.message(), {}, {}};
}

struct Attempt {
    std::unique_ptr<Connection> connection;
    StorageFault fault = StorageFault::none;
    std::string detail;
};

Attempt attempt(const fs::path& path) {
    platform::sqlite::OpenOptions options;
    options.path = path;
    options.application_id = journal_application_id;
    Attempt made;
    auto opened = Connection::open(options, &made.fault);
    if (!opened) {
        made.detail = opened.error().detail;
        return made;
    }
    core::Result<void> usable = platform::sqlite::migrate(**opened, journal_migrations());
    for (const char* query : first_reads) {
        if (!usable) break;
        if (const auto read = (*opened)->number(query); !read) usable = read.error();
    }
    std::string edited;
    if (usable) {
        if (auto found = edited_in(**opened); found) {
            edited = std::move(*found);
        } else {
            usable = found.error();
        }
    }
    if (!usable) {
        made.fault = (*opened)->last_fault();
        made.detail = usable.error().detail;
    } else if (!edited.empty()) {
        made.fault = StorageFault::corrupt;
        made.detail = std::move(edited);
    } else {
        made.connection = std::move(*opened);
    }
    return made;
}

// A folder that isn't ours to write in is for the admin to mend.
bool is_denied(const fs::path& path) {
    return ::access(folder_of(path).c_str(), R_OK | W_OK | X_OK) != 0 && errno == EACCES;
}

[[noreturn]] void give_up(const fs::path& path, const Attempt& attempt) {
    const bool may_pass = attempt.fault == StorageFault::io || attempt.fault == StorageFault::full;
    if (may_pass && !is_denied(path)) throw StorageFailed(attempt.detail);
    throw std::runtime_error(attempt.detail);
}

}  // namespace

std::vector<std::string> journals_set_aside(const fs::path& path) {
    std::vector<std::string> names;
    for (const std::int64_t number : numbers_set_aside(path))
        names.push_back(set_aside_path(path, number).filename().string());
    return names;
}

// The log first: beside a new database it would be taken for that one's. Those of before stay: each may hold
// usage that nobody was told of, and damage is rare.
core::Result<void> set_aside(const fs::path& path) {
    const std::vector<std::int64_t> known = numbers_set_aside(path);
    const fs::path to = set_aside_path(path, known.empty() ? 1 : known.back() + 1);
    const std::string log = path.string() + std::string(log_suffix);
    if (auto renamed = rename_file(log, to.string() + std::string(log_suffix)); !renamed) return renamed;
    if (auto renamed = rename_file(path, to); !renamed) return renamed;
    return platform::system::sync_directory(folder_of(path));
}

OpenedDatabase open_journal_database(const fs::path& path) {
    Attempt first = attempt(path);
    if (first.connection) return {std::move(first.connection), {}};
    if (first.fault != StorageFault::corrupt) give_up(path, first);
    if (const auto aside = set_aside(path); !aside) throw StorageFailed(aside.error().detail);
    Attempt second = attempt(path);
    if (!second.connection) give_up(path, second);
    return {std::move(second.connection), first.detail};
}

}  // namespace meterbox::agent
