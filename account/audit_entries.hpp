// Part of the audit: what an entry of the ledger says beside its units. Its reason is one of the account's
// own, and fits its move; its time is no earlier than that of the entry before it, nor still to come. A time
// that was changed and lies between its neighbours is not found, nor are the operator's own words of an
// `adjust`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"

namespace meterbox::account {

struct EntrySaid {
    std::int64_t entry = 0;
    core::UtcTime at;
    std::string_view from;
    std::string_view to;
    std::string_view reason;
};

// Of each tranche no more than the first of a kind is told.
class EntryChecks {
public:
    // In the order of their numbers, tranche by tranche.
    void look(std::int64_t tranche, const EntrySaid& said);
    void look_ahead(core::UtcTime now);  // once all were seen
    core::UtcTime latest() const;

    std::vector<std::string> differences;
    std::vector<std::string> findings;  // of times: the account's clock may have been set

private:
    struct Seen {
        core::UtcTime latest;
        std::int64_t entry = 0;  // of that
        bool turned = false;
        bool unknown = false;
    };
    std::map<std::int64_t, Seen> tranches_;
};

}  // namespace meterbox::account
