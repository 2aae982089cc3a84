// When certificates are renewed, from both sides of each moment.
#include "core/certificate_life.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {
const UtcTime begins{1'700'000'000'000};
const CertificateLife life{begins, begins + 90 * day_ms};
}  // namespace

TEST_CASE("a certificate is due for renewal when a third of its life is left") {
    CHECK_FALSE(life.renewal_due(begins + 60 * day_ms + -1));
    CHECK(life.renewal_due(begins + 60 * day_ms));
}

TEST_CASE("a certificate's last second is still valid") {
    CHECK_FALSE(life.expired(life.ends_at + (second_ms - 1)));
    CHECK(life.expired(life.ends_at + second_ms));
}

TEST_CASE("an expired certificate may renew for 90 days and not longer") {
    const UtcTime last = life.ends_at + limits::certificate_renewal_grace_ms;
    CHECK(life.may_renew(begins));
    CHECK(life.may_renew(last + (second_ms - 1)));
    CHECK_FALSE(life.may_renew(last + second_ms));
}

TEST_CASE("a certificate is fresh in its first half, and not due while it is") {
    CHECK(life.fresh(begins + 45 * day_ms + -1));
    CHECK_FALSE(life.fresh(begins + 45 * day_ms));
    CHECK_FALSE(life.renewal_due(begins + 45 * day_ms));
}
