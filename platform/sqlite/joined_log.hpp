// SQLite's file system with one difference: what a commit appends to the write-ahead log, a small piece
// and a page in turn, goes to the system in one call, when it must be on the disk. Only who has the log to
// himself may do so: EXCLUSIVE locking. A write that fails is heard of by the sync behind it, or by whoever
// reads or writes the log next. SQLite goes on after some of these with frames that are gone: it is
// Connection that refuses to commit what has met a fault, and nobody may use this without it.
#pragma once

namespace meterbox::platform::sqlite {

// Its name for sqlite3_open_v2(). It stands before the file system that was SQLite's default when this was
// called first. Any thread.
const char* joined_log_file_system();

}  // namespace meterbox::platform::sqlite
