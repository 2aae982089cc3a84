#include "core/certificate_life.hpp"

#include "core/limits.hpp"

namespace meterbox::core {

bool CertificateLife::may_renew(UtcTime now) const {
    return !expired(now + -limits::certificate_renewal_grace_ms);
}

}  // namespace meterbox::core
