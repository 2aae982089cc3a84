// Recomputes the journal's chain from the database, as `meterbox verify` asks for: each link from the one
// before it and from its events, then the totals that the links state against the tables. Names the first
// place that isn't as it was committed. The oldest link that is kept is taken on trust; links whose events
// retention has taken away are, too. Store side, between transactions, a piece at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/chain.hpp"
#include "agent/chain_report.hpp"
#include "agent/stated_totals.hpp"
#include "core/chain.hpp"
#include "core/error.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

class ChainCheck {
public:
    explicit ChainCheck(platform::sqlite::Connection& connection) : connection_(connection) {}

    // Works until enough() says so, or all is done; true: there is more. After an error it is over.
    core::Result<bool> go_on(const std::function<bool()>& enough);
    // head: the link that was committed last, as the journal knows it.
    core::Result<ChainReport> finish(const ChainHead& head);

private:
    struct Link {
        ChainHead head;
        std::string state;
    };
    core::Result<void> begin();
    core::Result<std::optional<Link>> next_link();
    core::Result<void> check(const Link& link);
    core::Result<std::int64_t> add_events(std::int64_t after, std::int64_t last);
    void check_start(std::int64_t sequence, const core::LinkState& state);
    void note(std::int64_t sequence, const core::LinkState& state);
    core::Result<void> check_totals();
    core::Result<void> check_hours(std::int64_t incarnation);
    core::Result<void> check_missing_events();
    void broken(std::int64_t sequence, std::string what);

    platform::sqlite::Connection& connection_;
    std::optional<platform::sqlite::Statement> link_after_, events_;
    platform::system::ChainHasher hasher_;
    ChainReport report_;
    bool begun_ = false;
    ChainHead last_;                           // the link that was checked last
    std::int64_t base_event_ = 0;              // the newest that the oldest link covers
    std::int64_t gone_up_to_ = 0;              // the newest event that isn't there any more
    std::int64_t forgotten_up_to_ = 0;         // of those, what retention says it took away
    std::optional<std::int64_t> incarnation_;  // that the links began last, if that is kept
    TotalsByResource totals_;                  // as the links state them, the newest of each
};

}  // namespace meterbox::agent
