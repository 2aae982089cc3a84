// Memory for a process of one thread that allocates all the time: blocks of few sizes, each size with a
// list of those that are free. What is freed is kept for the next of its size; nothing is given back to the
// system. Every new and delete of the simulator goes here, and SQLite's own. With AddressSanitizer, which
// has an allocator of its own, none of it is there.
#pragma once

namespace meterbox::sim {

// Once, before anything of SQLite's is used: its memory from here, and no locks, for there is one thread.
void make_sqlite_quick();

}  // namespace meterbox::sim
