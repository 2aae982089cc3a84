// The store in one file, and back. A backup is the database as it was between two commits, with the keys
// and tokens of its folder in it, so it is a secret (0600). Restoring puts all of it in the place of what
// is there, which is kept aside; then the account is in a new epoch, and learns from its agents what came
// after the backup (learning.hpp).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "account/commands.hpp"
#include "account/store.hpp"
#include "core/error.hpp"
#include "platform/sqlite/online_copy.hpp"
#include "platform/system/clock.hpp"

namespace meterbox::account {

// Made piece by piece, between transactions, so that a large store keeps nobody waiting: what is committed
// meanwhile is in it. A file that is there already is refused.
class Backup {
public:
    explicit Backup(std::filesystem::path file);
    ~Backup();  // of one that isn't done nothing is left

    // Until it is told that it is over. true: there is more.
    [[nodiscard]] core::Result<bool> go_on(Store& store, const std::function<bool()>& over);

private:
    core::Result<bool> finish(Store& store);

    std::filesystem::path file_;
    std::filesystem::path part_;
    bool begun_ = false;
    std::unique_ptr<platform::sqlite::OnlineCopy> copy_;
};

// The folder that a file is to be in, as this process sees it; empty: it sees none. A service may have a /tmp
// of its own.
std::string folder_seen(const std::filesystem::path& file);

// At once.
[[nodiscard]] core::Result<void> back_up(Store& store, const std::filesystem::path& file);
Outcome backup_outcome(Store& store, const std::filesystem::path& file);
LongCommand backup_command(const std::filesystem::path& file);

// While nobody has the store open. Nothing is changed unless the backup is whole.
[[nodiscard]] core::Result<void> restore(const std::filesystem::path& folder,
                                         const std::filesystem::path& file, platform::system::Clock& clock);

}  // namespace meterbox::account
