// How long certificates live and when they are made anew: the same rule for agents, for the account that
// answers them, and for the account's own server. Nobody waits for the end: with a third of its life left a
// certificate is renewed, and one that has ended meanwhile (a machine in a cupboard) still may be, for a
// while. Pure: the time to judge by is an argument.
#pragma once

#include "core/time.hpp"

namespace meterbox::core {

struct CertificateLife {
    UtcTime begins_at;
    UtcTime ends_at;  // its last second, which is still valid

    bool expired(UtcTime now) const { return now >= ends_at + second_ms; }
    // A third of it is left, or less.
    UtcTime renewal_due_at() const { return ends_at + -(ends_at - begins_at) / 3; }
    bool renewal_due(UtcTime now) const { return now >= renewal_due_at(); }
    // Who asks again within its first half is given the same one again: its answer may have been lost.
    bool fresh(UtcTime now) const { return now < begins_at + (ends_at - begins_at) / 2; }
    // Expired or not, and nothing else wrong with it: whether it may ask for its successor.
    bool may_renew(UtcTime now) const;
};

}  // namespace meterbox::core
