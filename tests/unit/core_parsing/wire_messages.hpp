// One valid message of each kind, small enough to read.
#pragma once

#include <string>

#include "core/wire.hpp"

namespace meterbox::tests {

using namespace meterbox::core;
using namespace meterbox::core::wire;

inline const std::string key_x(43, 'x');
inline const LeaseKey lease_key{"k1", key_x, key_x};

inline EnrollReply enroll_reply() {
    return {"agent-1", "blue", "account-1", "PEM", "CA", {lease_key}};
}

inline ResourceCounters counters() {
    ResourceCounters counters;
    counters.resource = "render";
    counters.metered = Amount{2'500};
    counters.remainder = Amount{500};
    counters.tranches = {{"t1", Units{2}, Units{1}, {{UtcHour{1}, Units{2}}}}};
    return counters;
}

inline HelloRequest hello_request() {
    HelloRequest message;
    message.agent = "agent-1";
    message.boot_id = "boot";
    message.version = "0.1.0";
    message.head = {7, "h"};
    message.acknowledged = {6, "g"};
    message.starts = {{7, "h"}, {3, "s"}};
    message.resources = {counters()};
    message.nonce = "0123456789abcdef0123456789abcdef";
    message.clock = {{1}, "trusted", {2}};
    return message;
}

inline HelloReply hello_reply() {
    HelloReply message;
    message.session = "s1";
    message.acknowledged = {7, ""};
    message.catalogue = {
        {"render", "Render", Kind::exhaustible, Measure::duration, Amount{1000}, Enforcement::hard}};
    message.lease_keys = {lease_key};
    return message;
}

inline SyncRequest sync_request() {
    SyncRequest message;
    message.session = "s1";
    message.request_number = 4;
    message.resources = {counters()};
    message.usage = {{"render", UtcHour{1}, "job", Amount{2'500}}};
    message.acknowledged = {6, "g"};
    message.head = {7, "h"};
    message.starts = {{7, "h"}};
    return message;
}

inline SyncReply sync_reply() {
    SyncReply message;
    message.lease = "a.b.c";
    message.recall = {{"render", Units{3}}};
    message.wait_ticket = "ticket";
    Card card;
    card.resource = "render";
    message.cards = {card};
    message.next_sync_ms = 10'000;
    message.catalogue = hello_reply().catalogue;
    return message;
}

}  // namespace meterbox::tests
