#include "agent/identity_store.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>
#include <stdexcept>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "core/mutant.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

using core::IdentityHash;
using platform::sqlite::Blob;
using platform::sqlite::Cursor;

namespace {

struct Remembered {
    std::uint64_t contents = 0;
    std::int64_t day = 0;
};

struct KeyedHash {  // it is random already
    using is_avalanching = void;
    std::size_t operator()(const IdentityHash& identity) const noexcept {
        std::size_t hash = 0;
        std::memcpy(&hash, identity.bytes.data(), sizeof hash);
        return hash;
    }
};

// An identity in a row of identity_recent: the hash, then contents and day, the lowest byte first.
constexpr std::size_t contents_offset = sizeof(IdentityHash::bytes);
constexpr std::size_t day_offset = contents_offset + 8;
constexpr std::size_t entry_bytes = day_offset + 4;
constexpr std::size_t rows_deleted_a_commit = 64;

void put(std::byte* place, std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) place[i] = static_cast<std::byte>(number >> (8 * i));
}
std::uint64_t number_at(const std::byte* place, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i) number |= static_cast<std::uint64_t>(place[i]) << (8 * i);
    return number;
}

IdentityHash hash_at(const std::byte* place) {
    IdentityHash identity;
    std::copy_n(place, identity.bytes.size(), identity.bytes.begin());
    return identity;
}

[[noreturn]] void fail(const std::string& detail) {
    throw std::runtime_error("the recent identities can't be read: " + detail);
}

IdentityStore::Seen seen(std::uint64_t stored, std::uint64_t contents) {
    return stored == contents ? IdentityStore::Seen::duplicate : IdentityStore::Seen::conflict;
}

}  // namespace

// What is in memory, and how far its way into the B-tree has come.
struct IdentityStore::Recent {
    using Identities = boost::unordered_flat_map<IdentityHash, Remembered, KeyedHash>;

    Identities known;                  // not in the B-tree, or on the way
    std::vector<IdentityHash> moving;  // of these, those that are on the way, by key
    std::size_t moved = 0;             // of moving
    std::int64_t moving_through = 0;   // the last row that holds some of moving
    std::int64_t first_row = 1;
    std::int64_t last_row = 0;
    std::int64_t in_tree_through = 0;  // rows up to here are moved, and can go

    // By the transaction in progress.
    std::vector<IdentityHash> added;
    std::vector<std::pair<IdentityHash, Remembered>> forgotten;
    std::vector<std::byte> row;
    std::size_t moved_now = 0;
    std::int64_t rows_added = 0;
    std::int64_t rows_deleted = 0;

    void load(platform::sqlite::Connection& connection) {
        auto statement = connection.prepare("SELECT seq, entries FROM identity_recent ORDER BY seq");
        if (!statement) fail(statement.error().detail);
        Cursor rows = statement->query();
        for (;;) {
            const auto more = rows.next();
            if (!more) fail(more.error().detail);
            if (!*more) return;
            if (last_row == 0) first_row = rows.integer(0);
            last_row = rows.integer(0);
            const Blob entries = rows.blob(1);
            if (entries.size() % entry_bytes != 0) fail("row " + std::to_string(last_row) + " is cut");
            for (const std::byte* entry = entries.data(); entry != entries.data() + entries.size();
                 entry += entry_bytes)
                // The later row counts: the identity of an earlier one was forgotten in between.
                known.insert_or_assign(
                    hash_at(entry), Remembered{number_at(entry + contents_offset, 8),
                                               static_cast<std::int64_t>(number_at(entry + day_offset, 4))});
        }
    }

    void start_moving() {
        if (moved < moving.size() || first_row <= in_tree_through ||
            known.size() < core::limits::recent_identities)
            return;
        moving.clear();
        moved = 0;
        for (const auto& [identity, remembered] : known) moving.push_back(identity);
        std::sort(moving.begin(), moving.end());
        moving_through = last_row;
    }

    void end_transaction() {
        added.clear();
        forgotten.clear();
        moved_now = 0;
        rows_added = rows_deleted = 0;
    }
};

IdentityStore::IdentityStore(platform::sqlite::Connection& connection)
    : connection_(connection),
      insert_(connection.statement("INSERT OR IGNORE INTO identity(hash, contents, day) VALUES(?, ?, ?)")),
      find_(connection.statement("SELECT contents FROM identity WHERE hash = ?")),
      remove_(connection.statement("DELETE FROM identity WHERE hash = ?")),
      walk_(connection.statement("SELECT hash, day FROM identity WHERE hash > ? ORDER BY hash LIMIT ?")),
      add_recent_(connection.statement("INSERT INTO identity_recent(seq, entries) VALUES(?, ?)")),
      delete_recent_(connection.statement("DELETE FROM identity_recent WHERE seq <= ?")),
      recent_(std::make_unique<Recent>()) {
    recent_->load(connection);
}
IdentityStore::~IdentityStore() = default;

core::Result<IdentityStore::Seen> IdentityStore::remember(const IdentityHash& identity,
                                                          std::uint64_t contents, std::int64_t day) {
    const auto known = recent_->known.find(identity);
    if (METERBOX_MUTANT(identity_ignored)) return Seen::fresh;
    if (known != recent_->known.end()) return seen(known->second.contents, contents);
    Cursor row = find_.query(identity);
    const auto found = row.next();
    if (!found) return found.error();
    if (*found) return seen(static_cast<std::uint64_t>(row.integer(0)), contents);
    recent_->known.emplace(identity, Remembered{contents, day});
    recent_->added.push_back(identity);
    return Seen::fresh;
}

void IdentityStore::take_back(const IdentityHash& identity) {
    METERBOX_ASSERT(!recent_->added.empty() && recent_->added.back() == identity);
    METERBOX_ASSERT(recent_->known.erase(identity) == 1);
    recent_->added.pop_back();
}

core::Result<void> IdentityStore::forget(const IdentityHash& identity) {
    const auto known = recent_->known.find(identity);
    if (known != recent_->known.end()) {
        recent_->forgotten.emplace_back(*known);
        recent_->known.erase(known);
    }
    return remove_.run(identity);
}

core::Result<std::vector<IdentityHash>> IdentityStore::older_than(std::int64_t day,
                                                                  std::optional<IdentityHash>& place,
                                                                  std::size_t rows) {
    std::vector<IdentityHash> old;
    if (!place)
        for (const auto& [identity, remembered] : recent_->known)
            if (remembered.day < day) old.push_back(identity);
    IdentityHash last;
    std::size_t visited = 0;
    const Blob after = place ? Blob(place->bytes) : Blob();
    Cursor row = walk_.query(after, rows);
    for (;; ++visited) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) break;
        METERBOX_ASSERT(row.blob(0).size() == last.bytes.size());
        last = hash_at(row.blob(0).data());
        if (row.integer(1) < day && !recent_->known.contains(last)) old.push_back(last);
    }
    place = visited == rows ? std::optional(last) : std::nullopt;
    return old;
}

core::Result<void> IdentityStore::flush() {
    if (recent_->added.empty()) return {};
    if (const auto written = write_added(); !written) return written;
    if (const auto moved = move_some(); !moved) return moved;
    return delete_some();
}

core::Result<void> IdentityStore::write_added() {
    std::vector<std::byte>& row = recent_->row;
    row.resize(recent_->added.size() * entry_bytes);
    std::byte* place = row.data();
    for (const IdentityHash& identity : recent_->added) {
        const Remembered& remembered = recent_->known.find(identity)->second;
        std::copy(identity.bytes.begin(), identity.bytes.end(), place);
        put(place + contents_offset, remembered.contents, 8);
        put(place + day_offset, static_cast<std::uint64_t>(remembered.day), 4);
        place += entry_bytes;
    }
    recent_->rows_added = 1;
    return add_recent_.run(recent_->last_row + 1, Blob(row));
}

// Faster than they come, so that what gathers is bounded.
core::Result<void> IdentityStore::move_some() {
    const std::size_t left = recent_->moving.size() - recent_->moved;
    const std::size_t now = std::min(left, 2 * recent_->added.size() + 2);
    for (std::size_t i = recent_->moved; i < recent_->moved + now; ++i) {
        const auto known = recent_->known.find(recent_->moving[i]);
        if (known == recent_->known.end()) continue;  // forgotten meanwhile
        const auto inserted =
            insert_.run(known->first, static_cast<std::int64_t>(known->second.contents), known->second.day);
        if (!inserted) return inserted;
    }
    recent_->moved_now = now;
    return {};
}

core::Result<void> IdentityStore::delete_some() {
    const std::int64_t rows =
        std::min<std::int64_t>(rows_deleted_a_commit, recent_->in_tree_through - recent_->first_row + 1);
    if (rows <= 0) return {};
    recent_->rows_deleted = rows;
    return delete_recent_.run(recent_->first_row + rows - 1);
}

void IdentityStore::committed() {
    for (std::size_t i = 0; i < recent_->moved_now; ++i)
        recent_->known.erase(recent_->moving[recent_->moved++]);
    if (recent_->moved_now > 0 && recent_->moved == recent_->moving.size())
        recent_->in_tree_through = recent_->moving_through;
    recent_->last_row += recent_->rows_added;
    recent_->first_row += recent_->rows_deleted;
    recent_->end_transaction();
    recent_->start_moving();
}

void IdentityStore::rolled_back() {
    for (const IdentityHash& identity : recent_->added) recent_->known.erase(identity);
    for (const auto& [identity, remembered] : recent_->forgotten)
        recent_->known.emplace(identity, remembered);
    recent_->end_transaction();
}

}  // namespace meterbox::agent
