// The rules for single attributes, where the events' tests would hide them.
#include "core/cloud_event_rules.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::core;

TEST_CASE("base64 of each length is decoded, in the standard alphabet with its padding") {
    CHECK(decode_base64("") == "");
    CHECK(decode_base64("Zg==") == "f");
    CHECK(decode_base64("Zm8=") == "fo");
    CHECK(decode_base64("Zm9v") == "foo");
    CHECK(decode_base64("Zm9vYmFy") == "foobar");
    CHECK(decode_base64("+/+/") == "\xfb\xff\xbf");
    for (const char* text : {"Z", "Zg", "Zg=", "Zm9", "Zg===", "=", "====", "Z===", "Zm=v", "Zm9v=", "-_-_",
                             "Zm 9v", "Zm9v\n", "\xff\xff\xff\xff"}) {
        INFO(text);
        CHECK_FALSE(decode_base64(text));
    }
}

TEST_CASE("base64 has one spelling for one value: no bits are left over") {
    CHECK_FALSE(decode_base64("Zh=="));
    CHECK_FALSE(decode_base64("Zm9="));
    CHECK_FALSE(decode_base64("Zm9vYn=="));
}

TEST_CASE("a media type needs type and subtype, and well-formed parameters") {
    const std::optional<MediaType> type = parse_media_type(" Application/JSON ; q=1 ; charset=\"UTF-8\" ");
    REQUIRE(type);
    CHECK(type->type == "Application");
    CHECK(type->subtype == "JSON");
    CHECK(type->charset == "UTF-8");
    CHECK(is_json(*type));
    CHECK(has_readable_charset(*type));
    CHECK(parse_media_type("a/b;"));
    CHECK(parse_media_type("a/b;c=\"x;y\\\"z\";d=e")->charset.empty());
    CHECK_FALSE(has_readable_charset(*parse_media_type("a/b;charset=latin1")));
    for (const char* text : {"", "a", "a/", "/b", "a/b/c", "a /b", "a/b c", "a/b;c", "a/b;c=", "a/b;=d",
                             "a/b;c=\"d", "a/b;c=\"d\"e", "a/b,c/d", "a;/b"}) {
        INFO(text);
        CHECK_FALSE(parse_media_type(text));
    }
    CHECK_FALSE(is_json(*parse_media_type("application/xjson")));
    CHECK_FALSE(is_json(*parse_media_type("application/+json")));
}

TEST_CASE("a text has no control characters and no noncharacters") {
    for (const char* text :
         {"", " ", "~", "\xc2\xa0", "\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xf3\xb0\x80\x80"}) {
        CHECK(is_attribute_text(text));
    }
    for (const char* text : {"\x01", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f", "\xef\xb7\x90", "\xef\xb7\xaf",
                             "\xef\xbf\xbe", "\xef\xbf\xbf", "\xf0\x9f\xbf\xbe", "\xf4\x8f\xbf\xbf"}) {
        CHECK_FALSE(is_attribute_text(text));
    }
    CHECK_FALSE(is_attribute_text(std::string_view{"a\0b", 3}));
}

TEST_CASE("each byte is judged alike wherever it stands in a text") {
    for (int c = 0; c < 0x80; ++c) {
        const bool allowed = c >= 0x20 && c < 0x7F;
        for (std::size_t at = 0; at < 24; ++at) {
            for (const char around : {' ', 'a', '~'}) {
                std::string text(24, around);
                text[at] = static_cast<char>(c);
                INFO(c << " at " << at);
                REQUIRE(is_attribute_text(text) == allowed);
            }
        }
    }
    for (std::size_t at = 0; at < 24; ++at) {
        std::string text(24, 'a');
        CHECK(is_attribute_text(std::string{text}.insert(at, "\xc3\xa9")));
        CHECK_FALSE(is_attribute_text(std::string{text}.insert(at, "\xc2\x85")));
        CHECK_FALSE(is_attribute_text(std::string{text}.insert(at, "\xc3")));
    }
}

TEST_CASE("URI references as in RFC 3986, and IRIs beside them") {
    for (const char* text :
         {"http://[::1]:8080/a?b=c&d#e", "urn:a:b", "a/b:c", "./1:2", "?q", "#", "/", "a%20b",
          "tel:+1-816-555-1212", "\xc3\xa9", "x~y_z", "@", "a=b", "http://a/b?c?d"}) {
        INFO(text);
        CHECK(is_uri_reference(text));
    }
    for (const char* text : {"",  " ", "a b", "\"",  "<",  ">",    "\\",  "^", "`",     "{",    "|",
                             "}", "%", "%1",  "%1x", "a%", "#a#b", "1:2", ":", "a b:c", "a_b:c"}) {
        INFO(text);
        CHECK_FALSE(is_uri_reference(text));
    }
    CHECK(is_uri("a:"));
    CHECK(is_uri("https://example.org"));
    CHECK_FALSE(is_uri("//example.org"));
    CHECK_FALSE(is_uri("a/b:c"));
}
