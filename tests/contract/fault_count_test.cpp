// How often the disk failed lately, as the next process finds it.
#include "agent/fault_count.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {
std::atomic<bool> syncs_fail{false};
}

// In place of libc's, for this whole program.
extern "C" int fsync(int descriptor) {
    if (!syncs_fail) return static_cast<int>(::syscall(SYS_fsync, descriptor));
    errno = EIO;
    return -1;
}

using namespace meterbox;
namespace fs = std::filesystem;

TEST_CASE("failures of the disk count within ten minutes of one boot, and in whichever file is left") {
    const tests::TemporaryFolder folder;
    tests::FakeClock clock{tests::journal_noon};
    const std::vector<fs::path> files{folder / "a", folder / "nowhere" / "b"};
    CHECK(agent::FaultCount(files, clock).recent() == 0);
    CHECK(agent::FaultCount(files, clock).note() == 1);
    CHECK(agent::FaultCount(files, clock).note() == 2);
    clock.advance(core::limits::store_fault_window_ms - 2);
    CHECK(agent::FaultCount(files, clock).note() == 3);
    clock.advance(2);
    CHECK(agent::FaultCount(files, clock).recent() == 1);
    fs::copy_file(files[0], folder / "b");
    { std::ofstream(files[0]) << "no boot\n1 2 3\nx"; }
    CHECK(agent::FaultCount({files[0], folder / "b"}, clock).recent() == 1);
    clock.reboot(0);
    CHECK(agent::FaultCount({files[0], folder / "b"}, clock).recent() == 0);
}

TEST_CASE("a disk that fails at every sync is counted as one that fails") {
    const tests::TemporaryFolder folder;
    tests::FakeClock clock{tests::journal_noon};
    const std::vector<fs::path> files{folder / "a", folder / "b"};
    syncs_fail = true;
    for (int failure = 1; failure <= 3; ++failure) {
        clock.advance(1'000);
        CHECK(agent::FaultCount(files, clock).note() == failure);
    }
    syncs_fail = false;
    CHECK(agent::FaultCount(files, clock).recent() == 3);
}
