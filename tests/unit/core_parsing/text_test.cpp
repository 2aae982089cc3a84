// What fits in one line, and what is made to.
#include "core/text.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::core;

TEST_CASE("a line is UTF-8 without control characters, from both sides of each bound") {
    for (const char* good : {"", "a ~", "caf\xc3\xa9", "\xc2\xa0", "\xf0\x9f\x98\x80"}) CHECK(is_line(good));
    for (const char* bad : {"a\nb", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f", "\xff", "\xc3", "\xc0\x80",
                            "\xed\xa0\x80", "\xef\xbf\xbf"})
        CHECK_FALSE(is_line(bad));
}

TEST_CASE("what is made printable is one line of UTF-8, and what was one before stays as it is") {
    CHECK(printable("caf\xc3\xa9 \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xf0\x9f\x98\x80");
    CHECK(printable("a\r\nb\x1b[31m\x7f") == "a  b [31m ");
    CHECK(printable("x\xc2\x9b"
                    "31m") == "x 31m");
    CHECK(printable("\xff\xc3") == "??");
    CHECK(printable("caf\xe9s") == "caf?s");
}
