// The journal's chain as it is written: one link a commit (core/chain.hpp says what a link is). Store
// side, inside the journal's transactions. Checking it again is chain_check.hpp's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/chain.hpp"
#include "core/error.hpp"
#include "core/wire.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/system/chain_hash.hpp"

namespace meterbox::agent {

using ChainHash = platform::system::ChainHash;

// A link that was committed. Of a journal without one: 0, and no hash.
struct ChainHead {
    std::int64_t sequence = 0;
    std::int64_t last_event = 0;  // event.seq of the newest event that it, or a link before it, covers
    ChainHash hash{};

    core::wire::JournalHead on_wire() const;
};

class Chain {
public:
    explicit Chain(platform::sqlite::Connection& connection);

    // Reads the newest link.
    core::Result<void> load();

    // A transaction: begin(), its events as they are stored, close() last of all. It counts once
    // committed() was called; the next begin() forgets it otherwise.
    void begin();
    std::int64_t next_event();  // the number that the next event gets
    void add(const core::ChainedEvent& event);
    core::Result<void> close(std::int64_t sequence, const core::LinkState& state);
    void committed();
    bool closed() const { return closed_; }  // this transaction has its link

    const ChainHead& head() const { return head_; }
    // The link of that number as it was committed here; none: not here yet, or not any more.
    core::Result<std::optional<ChainHash>> hash_of(std::int64_t sequence);
    core::Result<std::optional<core::LinkState>> state_of(std::int64_t sequence);
    // The links of starts with higher numbers than this one, the newest first, at most so many; also those
    // that were forgotten: fewer than journal_starts_max are all there ever were
    // (but for those that went before the journal's schema 7).
    core::Result<std::vector<core::wire::JournalHead>> starts_after(std::int64_t sequence,
                                                                    std::size_t count_max);
    // What the links after this one say, in their order.
    core::Result<void> each_after(std::int64_t sequence,
                                  const std::function<void(std::int64_t, const core::LinkState&)>& visit);
    core::Result<std::int64_t> oldest();  // number of the oldest link that is kept; 0: none is
    // Takes away at most rows_max links, the oldest first, up to and with that number. How many went.
    core::Result<std::int64_t> forget(std::int64_t sequence, std::int64_t rows_max);

private:
    platform::sqlite::Connection& connection_;
    platform::sqlite::Statement add_link_, hash_of_, state_of_, starts_after_, keep_starts_, forget_,
        forget_starts_;
    platform::system::ChainHasher hasher_;
    ChainHead head_;
    ChainHead next_;  // as the transaction in progress will leave it
    bool closed_ = false;
    std::string frame_;  // kept for its memory
};

}  // namespace meterbox::agent
