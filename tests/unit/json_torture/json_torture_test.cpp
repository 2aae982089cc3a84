// Hostile and broken input, through every reader that faces the outside: each is a clean error of
// the right kind, in bounded time, and none brings the process down (run it under the sanitizers).
#include <boost/json/value.hpp>
#include <random>

#include "core/cloud_event.hpp"
#include "core/json_reader.hpp"
#include "core/lease.hpp"
#include "core/limits.hpp"
#include "core/wire.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

const std::string event =
    R"({"specversion":"1.0","id":"i-1","source":"/s","type":"render","subject":"j \u00e9","time":"2026-01-01T00:00:00Z",)"
    R"("n":-12,"b":true,"x":null,"data":{"duration_ms":6.5e4,"more":[1,{"a":"\ud83d\ude00"}]}})";

// Every reader is asked; all must refuse. The structured event's verdict is what is returned.
ErrorCode refused_by_all(std::string_view text) {
    CHECK_FALSE(parse_event_batch(text));
    CHECK_FALSE(lease_from_json(text));
    CHECK_FALSE(wire::hello_request_from_json(text));
    CHECK_FALSE(wire::sync_request_from_json(text));
    const Result<UsageEvent> parsed = parse_structured_event(text);
    REQUIRE_FALSE(parsed);
    CHECK_FALSE(parsed.error().detail.empty());
    return parsed.error().code;
}

void all_malformed(std::initializer_list<std::string> texts) {
    for (const std::string& text : texts) {
        INFO(text.substr(0, 120));
        CHECK_FALSE(parse_json(text));
        CHECK(refused_by_all(text) == ErrorCode::malformed);
        CHECK(refused_by_all("{\"a\":" + text + "}") == ErrorCode::malformed);
    }
}

std::string repeated(std::string_view piece, std::size_t times) {
    std::string text;
    text.reserve(piece.size() * times);
    for (std::size_t i = 0; i < times; ++i) text += piece;
    return text;
}

}  // namespace

TEST_CASE("nesting without end is malformed, whatever it is made of") {
    all_malformed({std::string(limits::body_bytes_max, '['), repeated("{\"a\":", limits::body_bytes_max / 5),
                   repeated("[{\"a\":", limits::body_bytes_max / 6),
                   std::string(33, '[') + std::string(33, ']'), repeated("[[],", 100'000),
                   std::string(100'000, '{')});
    CHECK_FALSE(parse_json(std::string(limits::body_bytes_max, ']')));
}

TEST_CASE("bytes that aren't UTF-8 are malformed, in keys and in values") {
    for (const char* bytes : {"\xff",
                              "\xfe",
                              "\x80",
                              "\xbf",
                              "\xc0\x80",
                              "\xc1\xbf",
                              "\xc3",
                              "\xc3\x28",
                              "\xe0\x80\x80",
                              "\xe0\x9f\xbf",
                              "\xe2\x82",
                              "\xe2\x28\xa1",
                              "\xed\xa0\x80",
                              "\xed\xbf\xbf",
                              "\xf0\x80\x80\x80",
                              "\xf0\x8f\xbf\xbf",
                              "\xf0\x9f\x98",
                              "\xf4\x90\x80\x80",
                              "\xf5\x80\x80\x80",
                              "\xf8\x88\x80\x80\x80"}) {
        all_malformed({"\"" + std::string{bytes} + "\"", "\"abc" + std::string{bytes} + "def\"",
                       "{\"" + std::string{bytes} + "\":1}"});
    }
}

TEST_CASE("halves of surrogate pairs are malformed") {
    all_malformed({R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\ud800")", R"("\udc00\ud800")",
                   R"("\ud800\u0041")", R"("\ud800\n")", R"({"\udfff":1})", R"("\ud83d\)",
                   R"("\ud83d\ude0")"});
}

TEST_CASE("control characters and bad escapes in strings are malformed") {
    for (int c = 0; c < 0x20; ++c) all_malformed({"\"a" + std::string(1, static_cast<char>(c)) + "\""});
    all_malformed(
        {R"("\a")", R"("\'")", R"("\0")", R"("\u")", R"("\u12")", R"("\uxyz0")", R"("\U00000041")", "\"\\"});
    CHECK_FALSE(parse_json(std::string_view{"{}\0", 3}));
    CHECK_FALSE(parse_json(std::string_view{"\0", 1}));
}

TEST_CASE("duplicate keys are malformed however they are disguised") {
    all_malformed({R"({"a":1,"a":1})", R"({"a":1,"\u0061":1})", R"({"\u0061":1,"\u0061":1})",
                   R"({"\/":1,"/":1})", R"({"\u002f":1,"\/":1})", R"({"":0,"":0})",
                   R"([{"k":{"d":1,"d":1}}])",
                   R"({"\u00e9":1,")"
                   "\xc3\xa9"
                   R"(":1})",
                   R"({"\u00E9":1,"\u00e9":1})"});
}

TEST_CASE("a body full of keys is parsed, and searched for duplicates, without going quadratic") {
    std::string text = "{\"k0\":0";
    int keys = 1;
    while (text.size() < limits::body_bytes_max) text += ",\"k" + std::to_string(keys++) + "\":0";
    REQUIRE(keys > 80'000);
    CHECK(parse_json(text + "}"));
    CHECK_FALSE(parse_json(text + ",\"k0\":1}"));
    CHECK(parse_structured_event(text + "}").error().code == ErrorCode::malformed);
}

TEST_CASE("numbers of any size are read or refused, never misread") {
    const auto amount_of = [](const std::string& number) {
        const Result<UsageEvent> parsed = parse_structured_event(
            R"({"specversion":"1.0","id":"i","source":"/s","type":"t","data":{"quantity":)" + number + "}}");
        return parsed ? std::to_string(parsed->amount.value())
                      : std::string{traits(parsed.error().code).name};
    };
    CHECK(amount_of(std::string(100'000, '9')) == "invalid");
    CHECK(amount_of("1" + std::string(100'000, '0') + "e-100000") == "1");
    CHECK(amount_of("0." + std::string(100'000, '0') + "1") == "invalid");
    CHECK(amount_of("0." + std::string(50'000, '0') + "1e50001") == "1");
    CHECK(amount_of("1e2147483647") != "1");
    CHECK(amount_of("1e-2147483648") != "1");
    CHECK(amount_of("1e99999999999999999999") == "invalid");
    CHECK(amount_of("1e+0099999999999999999999") == "invalid");
    CHECK(amount_of("0e99999999999999999999") == "0");
    CHECK(amount_of("0.0E-99999999999999999999") == "0");
    CHECK(amount_of("-1e-999999999999999999") == "invalid");
    CHECK(amount_of("1e99999999999x") == "malformed");
    CHECK(amount_of("1e99999999999,") == "malformed");
    CHECK(amount_of("00") == "malformed");
    CHECK(amount_of("1e") == "malformed");
    CHECK(amount_of("-") == "malformed");
}

TEST_CASE("an event cut off at any byte is malformed") {
    REQUIRE(parse_structured_event(event));
    for (std::size_t size = 0; size < event.size(); ++size) {
        INFO(event.substr(0, size));
        CHECK(refused_by_all(std::string_view{event}.substr(0, size)) == ErrorCode::malformed);
    }
}

TEST_CASE("an event with any byte replaced by any of a few is taken or refused, never worse") {
    for (std::size_t at = 0; at < event.size(); ++at) {
        for (const char c : {'\0', '"', '\\', '{', '}', '[', ',', ':', '\x80', '\xff', '0', '-', 'e', ' '}) {
            std::string changed = event;
            changed[at] = c;
            const Result<UsageEvent> parsed = parse_structured_event(changed);
            if (!parsed) CHECK_FALSE(parsed.error().detail.empty());
            const Result<std::vector<UsageEvent>> batch = parse_event_batch("[" + changed + "]");
            CHECK(static_cast<bool>(batch) == static_cast<bool>(parsed));
        }
    }
}

TEST_CASE("random bytes and random JSON-like text never get through, and never do harm") {
    std::mt19937 engine{1};
    const std::string_view pieces = "{}[]\",:0123456789eE+-.\\utfalsn \n\x80\xc3";
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto n = engine() % 40; n > 0; --n) text += pieces[engine() % pieces.size()];
        CHECK_FALSE(parse_structured_event(text));
        CHECK_FALSE(lease_from_json(text));
    }
}

TEST_CASE("events of a megabyte in one attribute are refused by their limits") {
    const std::string much(limits::body_bytes_max, 'a');
    const auto refused = [](const std::string& text) { return parse_structured_event(text).error().code; };
    CHECK(refused(R"({"specversion":"1.0","source":"/s","type":"t","data":{"quantity":1},"id":")" + much +
                  "\"}") == ErrorCode::invalid);
    CHECK(refused(R"({"specversion":"1.0","id":"i","source":"/s","type":"t","subject":"s","data":")" + much +
                  "\"}") == ErrorCode::invalid);
    CHECK(refused(R"({"id":")" + much + "\"}") == ErrorCode::malformed);
}
