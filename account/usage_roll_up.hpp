// Usage that is older than it is kept in detail: the rows of a whole month become one row for each resource
// and subject of an agent's incarnation, in the month's first hour. Sums stay what they were (of what is
// returnable: the most that was held). Rows that an agent may still send again are left alone: a total that
// has gone into a sum must not come a second time. Those are what it told last, and what it may have been
// reported since, which is of 62 days before it told all the last time, however long it is away.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "core/wire.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::account {

class UsageRollUp {
public:
    // Of months that ended `keep_ms` ago or earlier. transactions: of the database, as all who write have
    // them.
    UsageRollUp(Database& database, platform::store::Transactions& transactions, core::UtcTime now,
                std::int64_t keep_ms);

    // Page by page, each in a transaction of its own, until it is told that it is over; true: there is more.
    // An error ends it, with nothing of its page done.
    [[nodiscard]] core::Result<bool> work(const std::function<bool()>& over);
    std::int64_t rolled_up() const { return rolled_up_; }  // rows that went into others

private:
    struct Part {
        std::string agent;
        std::int64_t incarnation = 1;
        std::int64_t end_hour = 0;  // a month's first
    };

    void begin();
    bool page();  // false: that was the last of its part

    Database& database_;
    platform::store::Transactions& transactions_;
    std::int64_t end_hour_;
    bool begun_ = false;
    std::vector<Part> parts_;
    std::size_t part_ = 0;
    std::tuple<std::int64_t, std::string, std::string> after_;  // hour, resource, subject
    std::int64_t rolled_up_ = 0;
};

// Of the hour's month, in UTC.
std::int64_t first_hour_of_month(core::UtcHour hour);

// A month's first hour. What the agent's present incarnation has of hours before it may be in its month's
// sum, what it has of later ones isn't.
std::int64_t rolled_up_to(const Agent& agent, core::UtcTime now, std::int64_t keep_ms);

// The agent has told all, with these rows last: they may come again, for the answer may be lost, and what is
// reported to it from now on.
void note_settled_usage(Database& database, const Agent& agent,
                        const std::vector<core::wire::UsageRow>& last_told, std::int64_t rolled_up_to,
                        core::UtcTime now);

}  // namespace meterbox::account
