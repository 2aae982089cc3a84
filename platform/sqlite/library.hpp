// SQLite itself, before its first use in a process.
#pragma once

namespace meterbox::platform::sqlite {

// As often as one likes, on any thread.
void start_library();

}  // namespace meterbox::platform::sqlite
