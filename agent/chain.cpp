#include "agent/chain.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "core/mutant.hpp"

namespace meterbox::agent {

using platform::sqlite::Blob;
using platform::sqlite::Cursor;

namespace {

// A hash of any other length was not written here; it fits no link.
ChainHash hash_from(Blob bytes) {
    ChainHash hash{};
    if (bytes.size() == hash.size()) std::memcpy(hash.data(), bytes.data(), hash.size());
    return hash;
}

std::string_view text_of(Blob bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of link: at most ?2, the oldest, up to ?1, and never the newest.
#define OLD_LINKS "seq <= ?1 AND seq < (SELECT min(seq) FROM link) + ?2 AND seq < (SELECT max(seq) FROM link)"

}  // namespace

core::wire::JournalHead ChainHead::on_wire() const {
    return {sequence, sequence == 0 ? std::string() : platform::system::hex(hash)};
}

Chain::Chain(platform::sqlite::Connection& connection)
    : connection_(connection),
      add_link_(connection.statement(
          "INSERT INTO link(seq, last_event, start, state, hash) VALUES(?, ?, ?, ?, ?)")),
      hash_of_(connection.statement("SELECT hash FROM link WHERE seq = ?")),
      state_of_(connection.statement("SELECT state FROM link WHERE seq = ?")),
      starts_after_(connection.statement(
          "SELECT seq, hash FROM (SELECT seq, hash FROM link WHERE start = 1 UNION ALL "
          "SELECT seq, hash FROM former_start) WHERE seq > ? ORDER BY seq DESC LIMIT ?")),
      keep_starts_(connection.statement("INSERT OR IGNORE INTO former_start "
                                        "SELECT seq, hash FROM link WHERE start = 1 AND " OLD_LINKS)),
      forget_(connection.statement("DELETE FROM link WHERE " OLD_LINKS)),
      forget_starts_(
          connection.statement("DELETE FROM former_start WHERE seq <= "
                               "(SELECT seq FROM former_start ORDER BY seq DESC LIMIT 1 OFFSET ?)")) {}

core::Result<void> Chain::load() {
    auto newest = connection_.prepare("SELECT seq, last_event, hash FROM link ORDER BY seq DESC LIMIT 1");
    if (!newest) return newest.error();
    Cursor row = newest->query();
    const auto found = row.next();
    if (!found) return found.error();
    if (*found) head_ = {row.integer(0), row.integer(1), hash_from(row.blob(2))};
    // Also those of a journal that had no chain yet: their numbers are taken.
    const auto last = connection_.number("SELECT coalesce(max(seq), 0) FROM event");
    if (!last) return last.error();
    head_.last_event = std::max(head_.last_event, *last);
    next_ = head_;
    return {};
}

void Chain::begin() {
    next_ = head_;
    closed_ = false;
    hasher_.begin(head_.hash);
}

std::int64_t Chain::next_event() {
    return ++next_.last_event;
}

void Chain::add(const core::ChainedEvent& event) {
    frame_.clear();
    core::append_event_frame(frame_, event);
    hasher_.add(frame_);
}

core::Result<void> Chain::close(std::int64_t sequence, const core::LinkState& state) {
    METERBOX_ASSERT(!closed_ && sequence > head_.sequence);
    const std::string totals = core::bytes_of(state);
    hasher_.add(core::link_frame(sequence, next_.last_event, totals));
    next_.sequence = sequence;
    next_.hash = hasher_.end();
    closed_ = true;
    return add_link_.run(sequence, next_.last_event, state.start ? 1 : 0, std::as_bytes(std::span(totals)),
                         Blob(next_.hash));
}

void Chain::committed() {
    if (closed_) head_ = next_;
    closed_ = false;
}

core::Result<std::optional<ChainHash>> Chain::hash_of(std::int64_t sequence) {
    Cursor row = hash_of_.query(sequence);
    const auto found = row.next();
    if (!found) return found.error();
    return *found ? std::optional(hash_from(row.blob(0))) : std::nullopt;
}

core::Result<std::optional<core::LinkState>> Chain::state_of(std::int64_t sequence) {
    Cursor row = state_of_.query(sequence);
    const auto found = row.next();
    if (!found) return found.error();
    if (!*found) return std::optional<core::LinkState>{};
    auto state = core::link_state_from(text_of(row.blob(0)));
    if (!state) return state.error();
    return std::optional(std::move(*state));
}

core::Result<std::vector<core::wire::JournalHead>> Chain::starts_after(std::int64_t sequence,
                                                                       std::size_t count_max) {
    std::vector<core::wire::JournalHead> starts;
    Cursor row = starts_after_.query(sequence, count_max);
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return starts;
        starts.push_back({row.integer(0), platform::system::hex(hash_from(row.blob(1)))});
    }
}

core::Result<void> Chain::each_after(std::int64_t sequence,
                                     const std::function<void(std::int64_t, const core::LinkState&)>& visit) {
    auto after = connection_.prepare("SELECT seq, state FROM link WHERE seq > ? ORDER BY seq");
    if (!after) return after.error();
    Cursor row = after->query(sequence);
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return {};
        const auto state = core::link_state_from(text_of(row.blob(1)));
        if (!state) return state.error();
        visit(row.integer(0), *state);
    }
}

core::Result<std::int64_t> Chain::oldest() {
    return connection_.number("SELECT coalesce(min(seq), 0) FROM link");
}

core::Result<std::int64_t> Chain::forget(std::int64_t sequence, std::int64_t rows_max) {
    const std::int64_t starts_up_to = METERBOX_MUTANT(starts_forgotten) ? 0 : sequence;
    if (const auto kept = keep_starts_.run(starts_up_to, rows_max); !kept) return kept.error();
    const bool starts = connection_.changes() > 0;
    const auto gone = forget_.run(sequence, rows_max);
    if (!gone) return gone.error();
    const std::int64_t count = connection_.changes();
    if (starts)
        if (const auto old = forget_starts_.run(core::limits::journal_starts_max); !old) return old.error();
    return count;
}

}  // namespace meterbox::agent
