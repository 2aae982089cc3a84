// How much of the machine this process may have.
#pragma once

#include <cstddef>

namespace meterbox::platform::system {

// Open files: raised to what the administrator lets the process have. How many that is.
std::size_t raise_open_files_limit();

}  // namespace meterbox::platform::system
