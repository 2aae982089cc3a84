// SQLite's online backup, whose source and writer are one connection: then nothing begins anew.
#include "platform/sqlite/online_copy.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meterbox::platform::sqlite {

using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

constexpr int synced_pages = 2'048;  // 8 MiB: so that the end has not all of it to write

}  // namespace

Result<std::unique_ptr<OnlineCopy>> OnlineCopy::begin(Connection& from, std::filesystem::path to) {
    const int file = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        const ErrorCode code = errno == EEXIST ? ErrorCode::conflict : ErrorCode::storage;
        return Error{code, to.string() + " can't be made: " + std::strerror(errno), std::nullopt, {}};
    }
    std::unique_ptr<OnlineCopy> copy(new OnlineCopy(std::move(to), file));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(copy->to_.c_str(), &copy->copy_, flags, nullptr) != SQLITE_OK)
        return copy->failure("can't be opened");
    // Nobody needs it before it is whole, and then it is synced by whoever asked for it.
    sqlite3_exec(copy->copy_, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
    copy->backup_ = sqlite3_backup_init(copy->copy_, "main", from.database_, "main");
    if (copy->backup_ == nullptr) return copy->failure("can't be begun");
    return copy;
}

OnlineCopy::~OnlineCopy() {
    close();
    ::close(file_);
}

void OnlineCopy::close() {
    if (backup_ != nullptr) sqlite3_backup_finish(backup_);
    backup_ = nullptr;
    if (copy_ != nullptr) sqlite3_close(copy_);
    copy_ = nullptr;
}

Error OnlineCopy::failure(const char* what) const {
    return {ErrorCode::storage, to_.string() + " " + what + ": " + sqlite3_errmsg(copy_), std::nullopt, {}};
}

Result<bool> OnlineCopy::go_on(int pages) {
    METERBOX_ASSERT(backup_ != nullptr);
    const int code = sqlite3_backup_step(backup_, pages);
    if (code == SQLITE_DONE) {
        close();
        return false;
    }
    if (code != SQLITE_OK) {
        return Error{ErrorCode::storage,
                     to_.string() + " can't be written: " + sqlite3_errstr(code),
                     std::nullopt,
                     {}};
    }
    unsynced_ += pages;
    if (unsynced_ >= synced_pages) {
        unsynced_ = 0;
        if (::fdatasync(file_) != 0) {
            return Error{ErrorCode::storage,
                         to_.string() + " can't be written: " + std::strerror(errno),
                         std::nullopt,
                         {}};
        }
    }
    return true;
}

}  // namespace meterbox::platform::sqlite
