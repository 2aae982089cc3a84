// The strict parser and the reader of members: what passes, what doesn't, and what is said of it.
#include "core/json_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <limits>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/contains.hpp"

using namespace meterbox::core;
using meterbox::tests::contains;

namespace {

std::string error_of(std::string_view text) {
    const Result<boost::json::value> value = parse_json(text);
    if (value) return "taken";
    CHECK(value.error().code == ErrorCode::malformed);
    return value.error().detail;
}

ObjectReader reader_of(const boost::json::value& value) {
    return {value, "/outer"};
}

}  // namespace

TEST_CASE("each kind of JSON value is read") {
    CHECK(parse_json("null")->is_null());
    CHECK(parse_json("true")->as_bool());
    CHECK(parse_json(" \"a\\u00e9\\n\" ")->as_string() == "a\xc3\xa9\n");
    CHECK(parse_json("[1,[],{}]")->as_array().size() == 3);
    CHECK(parse_json(R"({"a":{"b":1},"c":2})")->at("a").at("b") == 1);
    CHECK(parse_json("\"\\ud83d\\ude00\"")->as_string() == "\xf0\x9f\x98\x80");
}

TEST_CASE("whole numbers stay exact over all of 64 bits") {
    CHECK(parse_json("9223372036854775807")->as_int64() == std::numeric_limits<std::int64_t>::max());
    CHECK(parse_json("-9223372036854775808")->as_int64() == std::numeric_limits<std::int64_t>::min());
    CHECK(parse_json("9223372036854775808")->as_uint64() == std::uint64_t{1} << 63);
    CHECK(parse_json("18446744073709551615")->as_uint64() == std::numeric_limits<std::uint64_t>::max());
    CHECK(parse_json("18446744073709551616")->is_double());
    CHECK(parse_json("0")->as_int64() == 0);
    CHECK(parse_json("-0")->as_int64() == 0);
}

TEST_CASE("a whole number written with a point or an exponent is the same whole number") {
    const struct {
        const char* text;
        std::int64_t value;
    } rows[] = {{"5.0", 5},
                {"1e3", 1000},
                {"1E+3", 1000},
                {"1.5e1", 15},
                {"0.001e3", 1},
                {"1200e-2", 12},
                {"-5.000", -5},
                {"0.0", 0},
                {"0e99", 0},
                {"-0.0", 0},
                {"10.0", 10},
                {"100e0", 100},
                {"1.010e3", 1010},
                {"600000.0", 600'000},
                {"0.5e1", 5},
                {"12345678e-0", 12345678},
                {"0.0000000000000000001e19", 1},
                {"9007199254740991.0", 9'007'199'254'740'991},
                {"-9007199254740991.0", -9'007'199'254'740'991},
                {"9.007199254740991e15", 9'007'199'254'740'991},
                {"90071992547409910e-1", 9'007'199'254'740'991}};
    for (const auto& row : rows) {
        INFO(row.text);
        const Result<boost::json::value> value = parse_json(row.text);
        REQUIRE(value);
        REQUIRE(value->is_int64());
        CHECK(value->as_int64() == row.value);
        const Result<boost::json::value> inside = parse_json("[" + std::string{row.text} + " ,1]");
        REQUIRE(inside->at(0).is_int64());
        CHECK(inside->at(0).as_int64() == row.value);
    }
}

TEST_CASE("a fraction is never taken for a whole number, however near") {
    for (const char* text :
         {"5.5", "1e-1", "0.99999999999999999999", "4503599627370497.25", "9007199254740991.5",
          "9007199254740992.0", "1e16", "1e300", "1.0000000000000000000000001", "12e-1", "-0.5", "100e-3"}) {
        INFO(text);
        REQUIRE(parse_json(text));
        CHECK(parse_json(text)->is_double());
    }
}

TEST_CASE("a key that is there twice is malformed, in any object, however it is written") {
    CHECK(contains(error_of(R"({"a":1,"a":1})"), "twice", "byte 9"));
    CHECK(contains(error_of(R"({"a":1,"b":{"x":[{"c":1,"c":2}]}})"), "twice"));
    CHECK(contains(error_of(R"({"a":1,"\u0061":2})"), "twice"));
    CHECK(contains(error_of(R"({"\u0061":1,"a":2})"), "twice"));
    CHECK(contains(error_of(R"({"":1,"":2})"), "twice"));
    CHECK(contains(error_of(R"({"a\n\tb":1,"x":0,"a\u000a\u0009b":2})"), "twice"));
    CHECK(contains(error_of(R"({"\ud83d\ude00":1,")"
                            "\xf0\x9f\x98\x80"
                            R"(":2})"),
                   "twice"));
    CHECK(contains(error_of(R"({"a":{"a":1},"a":2})"), "twice"));
}

TEST_CASE("the same key in different objects is fine") {
    CHECK(error_of(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})") == "taken");
    CHECK(error_of(R"({"a":1,"A":2,"a ":3,"aa":4})") == "taken");
    CHECK(error_of(R"({"a\u0000":1,"a":2})") == "taken");
}

TEST_CASE("a duplicate is found in objects of each size, wherever it stands") {
    for (const int size : {2, 15, 16, 17, 18, 40, 1000}) {
        INFO(size);
        const auto object_with = [size](int copied, int at) {
            std::string text = "{";
            for (int i = 0; i < size; ++i) {
                if (i > 0) text += ',';
                text += "\"k" + std::to_string(i == at ? copied : i) + "\":0";
            }
            return text + "}";
        };
        CHECK(error_of(object_with(0, 0)) == "taken");
        CHECK(contains(error_of(object_with(0, size - 1)), "twice"));
        CHECK(contains(error_of(object_with(size - 1, 0)), "twice"));
        CHECK(contains(error_of(object_with(size - 2, size - 1)), "twice"));
        CHECK(contains(error_of("[" + object_with(0, 0) + "," + object_with(0, size - 1) + "]"), "twice"));
    }
}

TEST_CASE("an outer object's keys survive a large inner one") {
    std::string inner = "{";
    for (int i = 0; i < 100; ++i) inner += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
    inner += "}";
    CHECK(error_of("{\"a\":" + inner + ",\"b\":" + inner + ",\"k1\":0}") == "taken");
    CHECK(contains(error_of("{\"a\":" + inner + ",\"b\":" + inner + ",\"a\":0}"), "twice"));
}

TEST_CASE("nesting is taken to its limit and not one deeper") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(error_of(nested(limits::json_depth_max)) == "taken");
    CHECK(contains(error_of(nested(limits::json_depth_max + 1)), "too deep"));
    std::string objects;
    for (std::size_t i = 0; i < limits::json_depth_max; ++i) objects += "{\"a\":";
    CHECK(error_of(objects + "1" + std::string(limits::json_depth_max, '}')) == "taken");
    CHECK(contains(error_of("{\"a\":" + objects + "1" + std::string(limits::json_depth_max + 1, '}')),
                   "too deep"));
}

TEST_CASE("text before, after or instead of a value is malformed with its place") {
    CHECK(contains(error_of("{} x"), "after the end", "byte 3"));
    CHECK(contains(error_of("{}{}"), "after the end"));
    CHECK(contains(error_of("1 2"), "after the end"));
    CHECK(contains(error_of(""), "ends too early"));
    CHECK(contains(error_of("  \n"), "ends too early"));
    CHECK(contains(error_of("{\"a\":"), "ends too early"));
    CHECK(contains(error_of("\xef\xbb\xbf{}"), "byte 0"));
    CHECK(error_of(" \t\r\n{} \t\r\n") == "taken");
}

TEST_CASE("what JSON's neighbours allow is malformed") {
    for (const char* text :
         {"{a:1}", "{'a':1}", "[1,]",      "{\"a\":1,}", "NaN",      "Infinity",  "-Infinity",   "01",
          "+1",    ".5",      "1.",        "1e",         "0x10",     "// c\n1",   "/* */1",      "nul",
          "True",  "[1 2]",   "{\"a\" 1}", "\"\t\"",     "\"a\nb\"", "\"\\x41\"", "\"\\u12g4\"", "-",
          "--1",   "1.2.3",   "[",         "]",          "{",        "}",         "\"",          ","}) {
        INFO(text);
        CHECK(error_of(text) != "taken");
    }
}

TEST_CASE("a storage given is the one used") {
    unsigned char buffer[4096];
    boost::json::monotonic_resource memory{buffer, sizeof(buffer)};
    const Result<boost::json::value> value = parse_json(R"({"a":[1,"two"]})", &memory);
    REQUIRE(value);
    CHECK(value->storage().get() == &memory);
    CHECK(value->at("a").storage().get() == &memory);
}

TEST_CASE("long keys and strings with escapes keep all their parts") {
    const std::string run(5'000, 'x');
    const std::string text = "{\"" + run + "\\n" + run + "\":\"" + run + "\\t" + run + "\"}";
    const Result<boost::json::value> value = parse_json(text);
    REQUIRE(value);
    CHECK(value->as_object().begin()->key() == run + "\n" + run);
    CHECK(value->as_object().begin()->value().as_string() == run + "\t" + run);
    const std::string twice = "{\"" + run + "\\n" + run + "\":1,\"" + run + "\\u000a" + run + "\":2}";
    CHECK(contains(error_of(twice), "twice"));
}

TEST_CASE("an exponent of any length is read, and no text beside it is touched") {
    const auto value =
        parse_json(R"([0e99999999999, "1e99999999999", "\"e99999999999\\", 1E-99999999999, 5])");
    REQUIRE(value);
    const auto& all = value->as_array();
    CHECK(all.at(0) == 0);
    CHECK(all.at(1).as_string() == "1e99999999999");
    CHECK(all.at(2).as_string() == "\"e99999999999\\");
    CHECK(all.at(3).is_double());
    CHECK(all.at(4) == 5);
    CHECK(error_of("[1e99999999999, tru]") == error_of("[1e00000000009, tru]"));
}

TEST_CASE("members are read with type and range, and the first error sticks") {
    const boost::json::value value = *parse_json(
        R"({"text":"x","number":5,"yes":true,"list":[1],"none":null,"big":18446744073709551615,"half":0.5})");
    ObjectReader reader = reader_of(value);
    CHECK(reader.string("text") == "x");
    CHECK(reader.integer("number", 5, 5) == 5);
    CHECK(reader.boolean("yes"));
    CHECK(reader.array("list")->size() == 1);
    CHECK(reader.has("text"));
    CHECK_FALSE(reader.has("none"));
    CHECK_FALSE(reader.has("missing"));
    CHECK_FALSE(reader.optional_string("none"));
    CHECK_FALSE(reader.optional_integer("missing", 0, 1));
    CHECK(reader.optional_integer("number", 0, 9) == 5);
    CHECK(reader.boolean_or("missing", true));
    CHECK(reader.boolean_or("none", true));
    CHECK(reader.value("none")->is_null());
    REQUIRE(reader.ok());

    CHECK(reader.integer("number", 6, 9) == 6);
    REQUIRE_FALSE(reader.ok());
    CHECK(reader.error().pointer == "/outer/number");
    CHECK(reader.string("missing").empty());
    CHECK(reader.array("list") == nullptr);
    CHECK(reader.error().pointer == "/outer/number");
}

TEST_CASE("each wrong member is named by its pointer") {
    const boost::json::value value =
        *parse_json(R"({"text":"x","number":5,"big":18446744073709551615,"half":0.5,"a/b~c":1})");
    const auto pointer_of = [&value](auto read) {
        ObjectReader reader = reader_of(value);
        read(reader);
        REQUIRE_FALSE(reader.ok());
        CHECK(reader.error().code == ErrorCode::malformed);
        return reader.error().pointer;
    };
    CHECK(pointer_of([](ObjectReader& r) { r.string("number"); }) == "/outer/number");
    CHECK(pointer_of([](ObjectReader& r) { r.string("missing"); }) == "/outer/missing");
    CHECK(pointer_of([](ObjectReader& r) { r.integer("text", 0, 9); }) == "/outer/text");
    CHECK(pointer_of([](ObjectReader& r) { r.integer("half", 0, 9); }) == "/outer/half");
    CHECK(pointer_of([](ObjectReader& r) { r.integer("number", 0, 4); }) == "/outer/number");
    CHECK(pointer_of([](ObjectReader& r) {
              r.integer("big", 0, std::numeric_limits<std::int64_t>::max());
          }) == "/outer/big");
    CHECK(pointer_of([](ObjectReader& r) { r.boolean("number"); }) == "/outer/number");
    CHECK(pointer_of([](ObjectReader& r) { r.array("number"); }) == "/outer/number");
    CHECK(pointer_of([](ObjectReader& r) { r.value("missing"); }) == "/outer/missing");
    CHECK(pointer_of([](ObjectReader& r) { r.string("a/b~c"); }) == "/outer/a~1b~0c");
    CHECK(pointer_of([](ObjectReader& r) { r.boolean_or("text", true); }) == "/outer/text");
}

TEST_CASE("a reader of what is no object says so, and gives nothing") {
    const boost::json::value value{5};
    ObjectReader reader{value, "/at"};
    REQUIRE_FALSE(reader.ok());
    CHECK(reader.error().pointer == "/at");
    CHECK(reader.string("a").empty());
    CHECK_FALSE(reader.has("a"));
}
