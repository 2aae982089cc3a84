// core/lease: a lease that is taken is the same when it is written and read again, and its numbers lie
// within their limits.
#include "core/lease.hpp"

#include "core/limits.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::core;

bool is_within(std::int64_t value, std::int64_t min, std::int64_t max) {
    return value >= min && value <= max;
}

void check(const LeaseResource& resource) {
    METERBOX_ASSERT(is_key(resource.key));
    METERBOX_ASSERT(is_within(resource.unit_size.value(), 1, limits::unit_size_max));
    Units granted;
    for (const LeaseTranche& tranche : resource.tranches) {
        METERBOX_ASSERT(is_within(tranche.granted.value(), 0, limits::counter_max));
        granted += tranche.granted;
        METERBOX_ASSERT(!tranche.ends_at || *tranche.ends_at >= tranche.valid_from);
        METERBOX_ASSERT(!(tranche.payg_open && tranche.payg_capped));
    }
    METERBOX_ASSERT(is_within(granted.value(), 0, 2 * limits::counter_max));
}

void check(const Lease& lease) {
    METERBOX_ASSERT(is_within(lease.epoch, 1, limits::counter_max));
    METERBOX_ASSERT(is_within(lease.incarnation, 1, limits::counter_max));
    METERBOX_ASSERT(is_within(lease.number, 1, limits::counter_max));
    METERBOX_ASSERT(is_within(lease.policy.offline_horizon_ms, 0, limits::counter_max));
    METERBOX_ASSERT(is_within(lease.policy.low_percent, 0, 100));
    METERBOX_ASSERT(lease.spend_until >= lease.issued_at);
    METERBOX_ASSERT(lease.resources.size() <= limits::message_resources_max);
    METERBOX_ASSERT(lease.cycle_boundaries.size() <= limits::cycle_boundaries_max);
    for (const LeaseResource& resource : lease.resources) check(resource);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto lease = lease_from_json(fuzz::text_of(data, size));
    if (!lease) {
        fuzz::check_refusal(lease.error());
        return 0;
    }
    check(*lease);
    const auto again = lease_from_json(lease_to_json(*lease));
    METERBOX_ASSERT(again && *again == *lease);
    METERBOX_ASSERT(admit(*lease, {lease->agent, lease->incarnation, lease->epoch, lease->session_nonce, 0}));
    return 0;
}
