// The line of keys that sign leases: who leads to whom, and who leads nowhere. A signature here is the
// signer's kid before the text.
#include "core/lease_keys.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;
using wire::LeaseKey;

namespace {

const UtcTime now{1'700'000'000'000};

LeaseKey first_key() {
    return {"k0", "x0", "y0"};
}

LeaseKey successor(const std::string& kid, const std::string& of, UtcTime made_at = now) {
    LeaseKey key{kid, "x of " + kid, "y of " + kid};
    key.vouched = of + "|" + succession_to_json(key, made_at);
    return key;
}

Result<std::string> check(std::string_view text, const LeaseKey& key) {
    if (text.starts_with(key.kid + "|")) return std::string(text.substr(key.kid.size() + 1));
    return Error{ErrorCode::forbidden, "not by this key", {}, {}};
}

std::vector<std::string> in_force(const LeaseKeyLine& line, UtcTime at) {
    std::vector<std::string> kids;
    for (const LeaseKey& key : keys_in_force(line, at)) kids.push_back(key.kid);
    return kids;
}

using Kids = std::vector<std::string>;

}  // namespace

TEST_CASE("enrollment trusts the newest key that is shown, and that one alone") {
    const std::vector<LeaseKey> shown{successor("k1", "k0"), first_key()};
    CHECK(in_force(begin_line(shown), now) == Kids{"k1"});
    CHECK(begin_line({}).empty());
}

TEST_CASE("a key vouched for by the newest known is taken, and the one before counts for the overlap") {
    const std::vector<LeaseKey> shown{successor("k1", "k0"), first_key()};
    const auto followed = follow_line(begin_line({{first_key()}}), shown, check, now);
    CHECK(followed.newest_known);
    CHECK(in_force(followed.line, now + limits::lease_key_overlap_ms + -1) == Kids{"k0", "k1"});
    CHECK(in_force(followed.line, now + limits::lease_key_overlap_ms) == Kids{"k1"});
}

TEST_CASE("an agent that was away follows the line over several steps, in whatever order they are shown") {
    const LeaseKey k1 = successor("k1", "k0", now + -80 * day_ms);
    const LeaseKey k2 = successor("k2", "k1", now + -40 * day_ms);
    const LeaseKey k3 = successor("k3", "k2", now + -1 * day_ms);
    const std::vector<LeaseKey> shown{k3, k1, first_key(), k2};
    const auto followed = follow_line(begin_line({{first_key()}}), shown, check, now);
    CHECK(followed.newest_known);
    CHECK(in_force(followed.line, now) == Kids{"k2", "k3"});
}

TEST_CASE("a key that nobody vouches for, or who isn't the newest, is not taken") {
    const LeaseKeyLine line = begin_line({{first_key()}});
    LeaseKey bare{"k1", "x", "y"};
    LeaseKey other = successor("k1", "k0");
    other.x = "another";  // vouched for, but not this
    for (const LeaseKey& wrong : {bare, other, successor("k1", "stranger"), successor("k1", "k1")}) {
        const std::vector<LeaseKey> shown{wrong, first_key()};
        const auto followed = follow_line(line, shown, check, now);
        CHECK_FALSE(followed.newest_known);
        CHECK(followed.line == line);
    }
    // Once k0 has a successor its word is worth nothing more: it may have been stolen.
    const auto followed = follow_line(line, std::vector{successor("k1", "k0")}, check, now);
    const auto again = follow_line(followed.line, std::vector{successor("k2", "k0")}, check, now);
    CHECK_FALSE(again.newest_known);
    CHECK(in_force(again.line, now) == Kids{"k0", "k1"});
}

TEST_CASE("older keys that are shown beside a known newest one are no trouble, and are not taken") {
    const std::vector<LeaseKey> shown{successor("k1", "k0"), first_key()};
    const LeaseKeyLine line = begin_line(shown);
    const auto followed = follow_line(line, shown, check, now);
    CHECK(followed.newest_known);
    CHECK(followed.line == line);
}
