// One promise, two sources of randomness.
#include <array>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

using namespace meterbox;
using platform::system::Random;
using platform::system::SystemRandom;
using tests::SeededRandom;

TEMPLATE_TEST_CASE("numbers differ and use all bits", "[random]", SystemRandom, SeededRandom) {
    TestType made;
    Random& random = made;
    std::set<std::uint64_t> seen;
    std::uint64_t ever_one = 0;
    std::uint64_t ever_zero = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t number = random.number();
        seen.insert(number);
        ever_one |= number;
        ever_zero |= ~number;
    }
    CHECK(seen.size() == 1000);
    CHECK(ever_one == ~std::uint64_t{0});
    CHECK(ever_zero == ~std::uint64_t{0});
}

TEMPLATE_TEST_CASE("below() gives each number under its limit and no other", "[random]", SystemRandom,
                   SeededRandom) {
    TestType made;
    Random& random = made;
    std::set<std::int64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t number = random.below(7);
        REQUIRE(number >= 0);
        REQUIRE(number < 7);
        seen.insert(number);
    }
    CHECK(seen.size() == 7);
    CHECK(random.below(1) == 0);
}

TEMPLATE_TEST_CASE("fill() leaves no byte as it was", "[random]", SystemRandom, SeededRandom) {
    TestType made;
    Random& random = made;
    std::array<bool, 300> changed{};
    for (int round = 0; round < 20; ++round) {
        std::array<std::byte, 300> bytes{};
        random.fill(bytes);
        for (std::size_t i = 0; i < bytes.size(); ++i) changed[i] = changed[i] || bytes[i] != std::byte{0};
    }
    for (const bool each : changed) CHECK(each);
}

TEMPLATE_TEST_CASE("a UUID is of version 4 and never comes twice", "[random]", SystemRandom, SeededRandom) {
    TestType made;
    Random& random = made;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string uuid = uuid4(random);
        REQUIRE(uuid.size() == 36);
        REQUIRE(uuid[8] == '-');
        REQUIRE(uuid[13] == '-');
        REQUIRE(uuid[14] == '4');
        REQUIRE(std::string("89ab").find(uuid[19]) != std::string::npos);
        REQUIRE(uuid.find_first_not_of("0123456789abcdef-") == std::string::npos);
        seen.insert(uuid);
    }
    CHECK(seen.size() == 1000);
}

TEST_CASE("random_hex gives two digits a byte, of any length", "[random]") {
    SeededRandom random;
    CHECK(platform::system::random_hex(random).size() == 32);
    CHECK(platform::system::random_hex(random, 0).empty());
    CHECK(platform::system::random_hex(random, 100).size() == 200);
    CHECK(platform::system::random_hex(random, 100).find_first_not_of("0123456789abcdef") ==
          std::string::npos);
}

TEST_CASE("the same seed gives the same numbers, another seed others", "[random]") {
    CHECK(SeededRandom(7).number() == SeededRandom(7).number());
    CHECK(SeededRandom(7).number() != SeededRandom(8).number());
}
