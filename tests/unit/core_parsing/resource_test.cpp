// The names of the domain, both ways, and the form of a key.
#include "core/resource.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::core;

TEST_CASE("each name leads back to its value") {
    for (const Kind kind : {Kind::exhaustible, Kind::returnable}) CHECK(kind_from(name_of(kind)) == kind);
    for (const Measure measure : {Measure::duration, Measure::count})
        CHECK(measure_from(name_of(measure)) == measure);
    for (const Enforcement mode : {Enforcement::hard, Enforcement::soft, Enforcement::none}) {
        CHECK(enforcement_from(name_of(mode)) == mode);
    }
    for (const Tier tier : {Tier::free, Tier::token_flex, Tier::flex, Tier::payg}) {
        CHECK(tier_from(name_of(tier)) == tier);
    }
    CHECK(name_of(Tier::token_flex) == "token_flex");
    CHECK(name_of(Kind::exhaustible) == "exhaustible");
}

TEST_CASE("a name that the domain doesn't have is none") {
    CHECK_FALSE(tier_from("Free"));
    CHECK_FALSE(tier_from(""));
    CHECK_FALSE(kind_from("exhaustible "));
    CHECK_FALSE(measure_from("time"));
    CHECK_FALSE(enforcement_from("off"));
}

TEST_CASE("a key is 1 to 63 of lower-case letters, digits, dot, underscore and hyphen, and starts plainly") {
    CHECK(is_key("a"));
    CHECK(is_key("0"));
    CHECK(is_key("info360-asset"));
    CHECK(is_key("a._-"));
    CHECK(is_key(std::string(63, 'a')));
    CHECK_FALSE(is_key(std::string(64, 'a')));
    const char* texts[] = {"", ".a", "_a", "-a", "A", "aB", "a b", "a/b", "\xc3\xa9", "a\n"};
    for (const char* text : texts) {
        INFO(text);
        CHECK_FALSE(is_key(text));
    }
    CHECK_FALSE(is_key(std::string_view{"a\0", 2}));
}
