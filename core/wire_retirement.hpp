// POST /v1/retire: an agent's last word, in a session. Its final counters, what of its usage the account
// hasn't got yet, and with each remainder the slot that it was waiting to fill. Said again it is answered
// with the same receipt, whatever else it says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/wire.hpp"

namespace meterbox::core::wire {

// The slot that a resource's remainder has begun.
struct RemainderSlot {
    std::string resource;
    std::string tranche;
    friend bool operator==(const RemainderSlot&, const RemainderSlot&) = default;
};

struct RetireRequest {
    std::string session;  // may be empty where the receipt alone is asked for again
    std::vector<ResourceCounters> resources;
    std::vector<UsageRow> usage;
    bool more_usage = false;  // these rows don't hold all: another request follows, and this one ends nothing
    std::vector<RemainderSlot> slots;
    JournalHead head;
    JournalHead acknowledged;
    std::vector<JournalHead> starts;
};

struct RetireReply {
    std::string receipt;  // empty: the rest of the usage is awaited
    UtcTime server_time;
};

std::string to_json(const RetireRequest&);
std::string to_json(const RetireReply&);
[[nodiscard]] Result<RetireRequest> retire_request_from_json(std::string_view);
[[nodiscard]] Result<RetireReply> retire_reply_from_json(std::string_view);

}  // namespace meterbox::core::wire
