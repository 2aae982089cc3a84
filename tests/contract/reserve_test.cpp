// The reserve on a real file system, whose room is what the test says.
#include "agent/reserve.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <fstream>

using namespace meterbox;

namespace {

struct Disk {
    agent::Reserve reserve() const {
        return agent::Reserve(folder / "reserve", [this](const auto&) { return space; });
    }
    void leave(std::int64_t bytes) const {
        std::ofstream(folder / "reserve") << std::string(static_cast<std::size_t>(bytes), '\0');
    }
    std::int64_t size() const {
        return static_cast<std::int64_t>(std::filesystem::file_size(folder / "reserve"));
    }

    tests::TemporaryFolder folder;
    agent::DiskSpace space{std::int64_t{1} << 40, std::int64_t{1} << 30};
};

}  // namespace

TEST_CASE_METHOD(Disk, "a reserve is made whole, and let go") {
    agent::Reserve made = reserve();
    CHECK_FALSE(made.held());
    CHECK(made.make());
    CHECK(size() == core::limits::reserve_bytes_max);
    made.let_go();
    CHECK(made.gone());
    CHECK(size() == 0);
    CHECK(reserve().gone());
}

TEST_CASE_METHOD(Disk, "a reserve that a crash left half made is made whole at the next start") {
    leave(64 * 1024);
    agent::Reserve left = reserve();
    CHECK(left.held());
    CHECK(left.make());
    CHECK(size() == core::limits::reserve_bytes_max);
}

TEST_CASE_METHOD(Disk, "a half made reserve is held as it is while there is no room for a whole one") {
    leave(64 * 1024);
    space.free = 2 * core::limits::reserve_bytes_max - 1;
    agent::Reserve left = reserve();
    CHECK(left.make());
    CHECK(left.held());
    CHECK(size() == 64 * 1024);
}
