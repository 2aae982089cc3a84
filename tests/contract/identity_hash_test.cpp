#include "platform/system/identity_hash.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox;
using platform::system::HashKey;
using platform::system::IdentityHasher;

namespace {

HashKey counting_key() {
    HashKey key;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
    return key;
}

core::UsageEvent event() {
    core::UsageEvent made;
    made.source = "/product";
    made.id = "1";
    made.type = "render";
    made.subject = "job 17";
    made.time_as_sent = "2026-11-23T12:00:00Z";
    made.amount = core::Amount{60'000};
    return made;
}

}  // namespace

TEST_CASE("an identity is the same each time it is asked for", "[identity]") {
    const IdentityHasher hasher(counting_key());
    CHECK(hasher.identity(1000, "/product", "1") == hasher.identity(1000, "/product", "1"));
}

TEST_CASE("an identity depends on the uid, the source, the id and the key", "[identity]") {
    const IdentityHasher hasher(counting_key());
    const auto hash = hasher.identity(1000, "/product", "1");
    CHECK(hash != hasher.identity(1001, "/product", "1"));
    CHECK(hash != hasher.identity(1000, "/produce", "1"));
    CHECK(hash != hasher.identity(1000, "/product", "2"));
    HashKey other = counting_key();
    other[15] ^= std::byte{1};
    CHECK(hash != IdentityHasher(other).identity(1000, "/product", "1"));
}

TEST_CASE("bytes that move from the source to the id make another identity", "[identity]") {
    const IdentityHasher hasher(counting_key());
    CHECK(hasher.identity(0, "ab", "c") != hasher.identity(0, "a", "bc"));
    CHECK(hasher.identity(0, "abc", "") != hasher.identity(0, "", "abc"));
    CHECK(hasher.identity(0, std::string("a\0", 2), "") != hasher.identity(0, "a", std::string("\0", 1)));
}

TEST_CASE("the hashes are the stored format, and never change", "[identity]") {
    const IdentityHasher hasher(counting_key());
    // Reckoned by another implementation of SipHash-2-4 over the frame that the header describes.
    std::string digits;
    for (const std::byte byte : hasher.identity(1000, "/product", "1").bytes) {
        digits += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
        digits += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
    }
    CHECK(digits == "f066a31c389f29b144aa2166628e2b96");
    CHECK(hasher.contents(event()) == 17852291410998870849u);
}

TEST_CASE("contents differ by type, subject, time as sent, measure and amount, not by identity",
          "[identity]") {
    const IdentityHasher hasher(counting_key());
    const std::uint64_t contents = hasher.contents(event());
    core::UsageEvent other = event();
    other.id = "2";
    other.source = "/elsewhere";
    CHECK(hasher.contents(other) == contents);
    other = event();
    other.type = "rende";
    CHECK(hasher.contents(other) != contents);
    other = event();
    other.subject.clear();
    CHECK(hasher.contents(other) != contents);
    other = event();
    other.time_as_sent = "2026-11-23T12:00:00.0Z";
    CHECK(hasher.contents(other) != contents);
    other = event();
    other.measure = core::Measure::count;
    CHECK(hasher.contents(other) != contents);
    other = event();
    other.amount = core::Amount{60'001};
    CHECK(hasher.contents(other) != contents);
}
