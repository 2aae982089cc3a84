// The day on which this program was built: no honest clock says less. A machine without a battery begins
// in 1970, and would take a certificate that ended long ago for a good one.
#pragma once

#include "core/time.hpp"

namespace meterbox::agent {

core::UtcTime build_day();  // its first instant

}  // namespace meterbox::agent
