// This process as the kernel sees it.
#pragma once

namespace meterbox::platform::system {

// The same program with the same arguments, in this process's place: its id, its surroundings and its
// standard streams stay, all else is gone, other threads and open files included. Any thread. Returns only
// if that can't be done.
void start_again();

}  // namespace meterbox::platform::system
