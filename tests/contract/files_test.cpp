#include "platform/system/files.hpp"

#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::system;
using core::ErrorCode;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("what is written is read back, with its mode, whatever the umask", "[files]") {
    const tests::TemporaryFolder folder;
    const mode_t before = ::umask(0177);
    REQUIRE(write_file(folder / "a", "hello", 0640));
    ::umask(before);
    CHECK(read_file(folder / "a", 100).value() == "hello");
    CHECK(mode_of(folder / "a") == 0640);
}

TEST_CASE("a file is replaced as a whole, and nothing else is left in its folder", "[files]") {
    const tests::TemporaryFolder folder;
    REQUIRE(write_file(folder / "a", "a longer text", 0600));
    REQUIRE(write_file(folder / "a.new", "left behind by a kill", 0600));
    REQUIRE(write_file(folder / "a", "short", 0600));
    CHECK(read_file(folder / "a", 100).value() == "short");
    const auto entries = std::filesystem::directory_iterator(folder.path());
    CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("a write that can't be done says where, and leaves what was there", "[files]") {
    const tests::TemporaryFolder folder;
    const auto missing = write_file(folder / "no/such/file", "x", 0600);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == ErrorCode::not_found);
    CHECK(missing.error().detail.find("no/such/file") != std::string::npos);

    std::filesystem::create_directory(folder / "taken");
    CHECK_FALSE(write_file(folder / "taken", "x", 0600));
    CHECK(std::filesystem::is_directory(folder / "taken"));
    CHECK_FALSE(std::filesystem::exists(folder / "taken.new"));
}

TEST_CASE("a read is bounded", "[files]") {
    const tests::TemporaryFolder folder;
    REQUIRE(write_file(folder / "a", std::string(100, 'x'), 0600));
    CHECK(read_file(folder / "a", 100).value().size() == 100);
    CHECK(read_file(folder / "a", 99).error().code == ErrorCode::too_large);
    CHECK(read_file(folder / "b", 99).error().code == ErrorCode::not_found);
    CHECK(read_file("/dev/zero", 10).error().code == ErrorCode::too_large);  // without trusting a size
    REQUIRE(write_file(folder / "large", std::string(200'000, 'x'), 0600));
    CHECK(read_file(folder / "large", 1'000'000).value() == std::string(200'000, 'x'));
}

TEST_CASE("a secret that others can reach is refused, with the remedy", "[files]") {
    const tests::TemporaryFolder folder;
    REQUIRE(write_file(folder / "key", "secret", 0600));
    CHECK(read_secret(folder / "key", 100).value() == "secret");
    for (const mode_t mode : {0640, 0604, 0620, 0610}) {
        REQUIRE(write_file(folder / "key", "secret", mode));
        const auto refused = read_secret(folder / "key", 100);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::forbidden);
        CHECK(refused.error().detail.find("chmod 600 ") != std::string::npos);
    }
}

TEST_CASE("a folder in the place of a secret is called one, whatever its mode", "[files]") {
    const tests::TemporaryFolder folder;
    for (const mode_t mode : {0755, 0700}) {
        const std::filesystem::path there = folder / ("key" + std::to_string(mode));
        REQUIRE(make_directory(there, mode));
        const auto refused = read_secret(there, 100);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().detail == there.string() + " is a folder: put the file there, or take it away");
    }
    CHECK(read_secret("/dev/null", 100).error().detail.starts_with("/dev/null is not a file"));
}

TEST_CASE("a folder is made with its parents, its mode is its own", "[files]") {
    const tests::TemporaryFolder folder;
    REQUIRE(make_directory(folder / "a/b/c", 0700));
    CHECK(mode_of(folder / "a/b/c") == 0700);
    REQUIRE(make_directory(folder / "a/b/c", 0755));
    CHECK(mode_of(folder / "a/b/c") == 0700);
    REQUIRE(make_directory(folder / "d/", 0750));
    CHECK(mode_of(folder / "d") == 0750);
    REQUIRE(write_file(folder / "file", "", 0600));
    CHECK_FALSE(make_directory(folder / "file", 0700));
}

TEST_CASE("removing is done also when nothing is there", "[files]") {
    const tests::TemporaryFolder folder;
    REQUIRE(write_file(folder / "a", "", 0600));
    CHECK(remove_file(folder / "a"));
    CHECK_FALSE(std::filesystem::exists(folder / "a"));
    CHECK(remove_file(folder / "a"));
}
