// The admin's token in its file.
#include "agent/admin_token.hpp"

#include <sys/stat.h>

#include <fstream>

#include "platform/system/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::load_admin_token;
using agent::load_or_make_admin_token;

namespace {

void write(const std::filesystem::path& file, const std::string& text, mode_t mode = 0600) {
    std::ofstream{file} << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("a token that isn't there is made, for its owner alone, and stays") {
    tests::TemporaryFolder folder;
    const std::filesystem::path file = folder / "admin.token";
    platform::system::SystemRandom random;
    CHECK(load_admin_token(file).error().code == core::ErrorCode::not_found);
    CHECK_FALSE(std::filesystem::exists(file));
    const core::Result<std::string> made = load_or_make_admin_token(file, random);
    REQUIRE(made);
    CHECK(made->size() == 64);
    CHECK(made->find_first_not_of("0123456789abcdef") == std::string::npos);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(load_or_make_admin_token(file, random).value() == *made);

    const core::Result<std::string> other = load_or_make_admin_token(folder / "other.token", random);
    REQUIRE(other);
    CHECK(*other != *made);
}

TEST_CASE("a token that an admin wrote is taken without its line end") {
    tests::TemporaryFolder folder;
    const std::filesystem::path file = folder / "token";
    tests::SeededRandom random;
    for (const std::size_t size : {std::size_t{16}, std::size_t{256}}) {
        write(file, std::string(size, 'x') + "\r\n");
        CHECK(load_or_make_admin_token(file, random).value() == std::string(size, 'x'));
    }
}

TEST_CASE("a token that others can read is refused, and left as it is") {
    tests::TemporaryFolder folder;
    const std::filesystem::path file = folder / "token";
    tests::SeededRandom random;
    write(file, std::string(32, 'x'), 0644);
    const core::Result<std::string> token = load_or_make_admin_token(file, random);
    REQUIRE_FALSE(token);
    CHECK(token.error().detail.find(file.string()) != std::string::npos);
}

TEST_CASE("a file without a token in it is an error that names it") {
    tests::TemporaryFolder folder;
    const std::filesystem::path file = folder / "token";
    tests::SeededRandom random;
    for (const std::string& text : {std::string(), std::string("\n"), std::string(15, 'x'),
                                    std::string(257, 'x'), std::string(10, 'x') + " " + std::string(10, 'x'),
                                    std::string(20, 'x') + "\xc3\xa4", std::string(10'000, 'x')}) {
        write(file, text);
        const core::Result<std::string> token = load_or_make_admin_token(file, random);
        REQUIRE_FALSE(token);
        CHECK(token.error().detail.find(file.string()) != std::string::npos);
    }
}

TEST_CASE("a token that can't be written is an error") {
    tests::TemporaryFolder folder;
    tests::SeededRandom random;
    CHECK_FALSE(load_or_make_admin_token(folder.path() / "no" / "such" / "token", random));
}
