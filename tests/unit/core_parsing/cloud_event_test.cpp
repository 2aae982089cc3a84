// Events in the JSON format: what they become, and what is refused as malformed or invalid.
#include "core/cloud_event.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

std::string event_with(const std::string& members) {
    return R"({"specversion":"1.0","id":"i","source":"/s","type":"render",)" + members + "}";
}

// "status pointer" of what is refused; the amount of what is taken.
std::string outcome_of(const std::string& event) {
    const Result<UsageEvent> result = parse_structured_event(event);
    if (result) return std::to_string(result->amount.value());
    CHECK_FALSE(result.error().index);
    return std::to_string(traits(result.error().code).http_status) + " " + result.error().pointer;
}
std::string outcome_with(const std::string& members) {
    return outcome_of(event_with(members));
}
std::string outcome_of_data(const std::string& data) {
    return outcome_with("\"data\":" + data);
}

}  // namespace

TEST_CASE("an event becomes a report with all that was said") {
    const Result<UsageEvent> event = parse_structured_event(
        R"({"specversion":"1.0","id":"42","source":"/products/a","type":"render","subject":"job 17",)"
        R"("time":"2026-01-01T01:00:00.5+01:00","extra":"x","data":{"duration_ms":600000,"note":"ignored"}})");
    REQUIRE(event);
    CHECK(event->source == "/products/a");
    CHECK(event->id == "42");
    CHECK(event->type == "render");
    CHECK(event->subject == "job 17");
    CHECK(event->time == UtcTime{1'767'225'600'500});
    CHECK(event->time_as_sent == "2026-01-01T01:00:00.5+01:00");
    CHECK(event->amount == Amount{600'000});
    CHECK(event->measure == Measure::duration);
}

TEST_CASE("an event without subject and time has none") {
    const Result<UsageEvent> event =
        parse_structured_event(event_with(R"("time":null,"data":{"quantity":3})"));
    REQUIRE(event);
    CHECK(event->subject.empty());
    CHECK_FALSE(event->time);
    CHECK(event->time_as_sent.empty());
    CHECK(event->measure == Measure::count);
}

TEST_CASE("PT1M is 60000 milliseconds, in either member and however it is written") {
    CHECK(outcome_of_data(R"({"duration_ms":60000})") == "60000");
    CHECK(outcome_of_data(R"({"duration_ms":60000.0})") == "60000");
    CHECK(outcome_of_data(R"({"duration_ms":6e4})") == "60000");
    CHECK(outcome_of_data(R"({"duration":"PT1M"})") == "60000");
    CHECK(outcome_of_data(R"({"duration":"PT60S"})") == "60000");
    CHECK(parse_structured_event(event_with(R"("data":{"duration":"PT1M"})"))->measure == Measure::duration);
}

TEST_CASE("exactly one amount, null counting as absent") {
    CHECK(outcome_of_data("{}") == "422 /data");
    CHECK(outcome_of_data(R"({"other":1})") == "422 /data");
    CHECK(outcome_of_data(R"({"duration_ms":1,"quantity":1})") == "422 /data");
    CHECK(outcome_of_data(R"({"duration_ms":1,"duration":"PT0.001S"})") == "422 /data");
    CHECK(outcome_of_data(R"({"duration_ms":1,"duration":"PT1S","quantity":1})") == "422 /data");
    CHECK(outcome_of_data(R"({"duration_ms":null})") == "422 /data");
    CHECK(outcome_of_data(R"({"duration_ms":null,"quantity":2})") == "2");
}

TEST_CASE("an amount is 0 to 2^53 - 1 and whole") {
    for (const std::string member : {"duration_ms", "quantity"}) {
        INFO(member);
        const auto outcome = [&member](const std::string& number) {
            return outcome_of_data("{\"" + member + "\":" + number + "}");
        };
        const std::string refused = "422 /data/" + member;
        CHECK(outcome("0") == "0");
        CHECK(outcome("-0") == "0");
        CHECK(outcome("9007199254740991") == "9007199254740991");
        CHECK(outcome("9007199254740992") == refused);
        CHECK(outcome("9223372036854775807") == refused);
        CHECK(outcome("9223372036854775808") == refused);
        CHECK(outcome("18446744073709551616") == refused);
        CHECK(outcome("1e300") == refused);
        CHECK(outcome("1e999") == refused);
        CHECK(outcome("-1") == refused);
        CHECK(outcome("-0.5") == refused);
        CHECK(outcome("5.5") == refused);
        CHECK(outcome("0.99999999999999999999999") == refused);
        CHECK(outcome("4503599627370497.25") == refused);
        CHECK(outcome("\"5\"") == refused);
        CHECK(outcome("true") == refused);
        CHECK(outcome("[5]") == refused);
        CHECK(outcome("{}") == refused);
    }
}

TEST_CASE("a duration that can't be read to the millisecond is invalid") {
    for (const char* text : {"\"PT1.0001S\"", "\"P1Y\"", "\"P1M\"", "\"-PT1S\"", "\"1h\"", "\"\"", "5",
                             "true", "\"PT9007199254740.992S\"", "\"PT9223372036854775S\""}) {
        INFO(text);
        CHECK(outcome_of_data(std::string{"{\"duration\":"} + text + "}") == "422 /data/duration");
    }
    CHECK(outcome_of_data(R"({"duration":"PT9007199254740.991S"})") == "9007199254740991");
    CHECK(outcome_of_data(R"({"duration":"PT0S"})") == "0");
}

TEST_CASE("data that is no object is invalid") {
    for (const char* data : {"5", "\"x\"", "[]", "true", "[{\"quantity\":1}]"})
        CHECK(outcome_of_data(data) == "422 /data");
    CHECK(outcome_of_data("null") == "422 /data");
    CHECK(outcome_with("\"a\":1") == "422 /data");
}

TEST_CASE("source and id are at most 1024 bytes, the subject 64, counted in bytes") {
    const auto outcome = [](const std::string& name, const std::string& text) {
        std::string event =
            R"({"specversion":"1.0","type":"render","data":{"quantity":1},")" + name + "\":\"" + text + '"';
        for (const std::string other : {"id", "source"}) {
            if (other != name) event += ",\"" + other + "\":\"x\"";
        }
        return outcome_of(event + "}");
    };
    for (const std::string name : {"id", "source"}) {
        CHECK(outcome(name, std::string(limits::identity_bytes_max, 'a')) == "1");
        CHECK(outcome(name, std::string(limits::identity_bytes_max + 1, 'a')) == "422 /" + name);
        CHECK(outcome(name, std::string(limits::identity_bytes_max - 2, 'a') + "\xc3\xa9") == "1");
        CHECK(outcome(name, std::string(limits::identity_bytes_max - 1, 'a') + "\xc3\xa9") == "422 /" + name);
    }
    CHECK(outcome("subject", std::string(limits::subject_bytes_max, 'a')) == "1");
    CHECK(outcome("subject", std::string(limits::subject_bytes_max + 1, 'a')) == "422 /subject");
}

TEST_CASE("an attribute that isn't a string is malformed, null is absent") {
    for (const std::string name : {"specversion", "id", "source", "type"}) {
        for (const std::string value : {"1", "true", "[]", "{}", "null", "1.0", "\"\""}) {
            std::string event = "{\"" + name + "\":" + value;
            for (const std::string other : {"specversion", "id", "source", "type"}) {
                if (other != name) event += ",\"" + other + "\":\"1.0\"";
            }
            INFO(event);
            CHECK(outcome_of(event + "}") == "400 /" + name);
        }
    }
    for (const std::string name : {"subject", "time", "dataschema", "datacontenttype"}) {
        for (const std::string value : {"1", "true", "[]", "{}", "\"\""}) {
            CHECK(outcome_with("\"" + name + "\":" + value) == "400 /" + name);
        }
        CHECK(outcome_with("\"" + name + "\":null,\"data\":{\"quantity\":1}") == "1");
    }
}

TEST_CASE("an extension is a boolean, a 32 bit integer or a string, under a lower-case name") {
    const std::string data = R"(,"data":{"quantity":1})";
    for (const char* value :
         {"true", "0", "-2147483648", "2147483647", "\"\"", "\"text\"", "null", "\"\\u00e9\""}) {
        INFO(value);
        CHECK(outcome_with(std::string{"\"ext1\":"} + value + data) == "1");
    }
    for (const char* value :
         {"-2147483649", "2147483648", "1.5", "1e20", "[]", "{}", "\"\\u0000\"", "\"\\n\"", "\"\\u007f\"",
          "\"\\u0085\"", "\"\\ufdd0\"", "\"\\uffff\"", "18446744073709551615"}) {
        INFO(value);
        CHECK(outcome_with(std::string{"\"ext1\":"} + value + data) == "400 /ext1");
    }
    for (const char* name :
         {"", "A", "my-ext", "my_ext", "my ext", "data_base65", "ID", "\\u00e9", "a\\u0000"}) {
        INFO(name);
        CHECK(outcome_with(std::string{"\""} + name + "\":1" + data).starts_with("400"));
    }
}

TEST_CASE("a source is a URI reference and a dataschema has a scheme") {
    const auto outcome = [](const std::string& source) {
        return outcome_of(
            R"({"specversion":"1.0","id":"i","type":"render","data":{"quantity":1},"source":")" + source +
            "\"}");
    };
    for (const char* source :
         {"/a", "a", "https://example.org/a?b#c", "urn:uuid:1", "mailto:a@b", "#x", "//host/p", "."}) {
        CHECK(outcome(source) == "1");
    }
    for (const char* source : {"a b", "<a>", "%zz", "a%2", ":a", "1a:b", "a#b#c", "a\\\\b", "\\u0001"}) {
        INFO(source);
        CHECK(outcome(source) == "400 /source");
    }
    const std::string data = R"("data":{"quantity":1})";
    CHECK(outcome_with(R"("dataschema":"urn:schema",)" + data) == "1");
    CHECK(outcome_with(R"("dataschema":"/schema",)" + data) == "400 /dataschema");
}

TEST_CASE("data is read when its type is JSON, stated or not") {
    const std::string data = R"("data":{"quantity":1})";
    for (const char* type :
         {"application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "text/json",
          "application/vnd.meter+json", "application/json;charset=\\\"utf-8\\\""}) {
        INFO(type);
        CHECK(outcome_with(R"("datacontenttype":")" + std::string{type} + "\"," + data) == "1");
    }
    for (const char* type : {"text/plain", "application/xml", "application/jsonx", "application/x+jso"}) {
        INFO(type);
        CHECK(outcome_with(R"("datacontenttype":")" + std::string{type} + "\"," + data) ==
              "422 /datacontenttype");
    }
    for (const char* type :
         {"json", "application/", "/json", "a/b/c", "application/json; charset", "a b/c"}) {
        INFO(type);
        CHECK(outcome_with(R"("datacontenttype":")" + std::string{type} + "\"," + data) ==
              "400 /datacontenttype");
    }
}

TEST_CASE("data in base64 is the same data") {
    CHECK(outcome_with(R"("data_base64":"eyJxdWFudGl0eSI6N30=")") == "7");
    CHECK(outcome_with(R"("data":null,"data_base64":"eyJxdWFudGl0eSI6N30=")") == "7");
    CHECK(outcome_with(R"("data_base64":null,"data":{"quantity":1})") == "1");
    CHECK(outcome_with(R"("data_base64":"eyJxdWFudGl0eSI6LTF9")") == "422 /data_base64/quantity");
    CHECK(outcome_with(R"("data_base64":"e30=")") == "422 /data_base64");
    CHECK(outcome_with(R"("data_base64":"")") == "422 /data_base64");
    CHECK(outcome_with(R"("data_base64":"AAEC")") == "422 /data_base64");
    CHECK(outcome_with(R"("data_base64":"e30")") == "400 /data_base64");
    CHECK(outcome_with(R"("data_base64":"e3 0")") == "400 /data_base64");
    CHECK(outcome_with(R"("data_base64":5)") == "400 /data_base64");
    CHECK(outcome_with(R"("data_base64":{})") == "400 /data_base64");
    CHECK(outcome_with(R"("data":{"quantity":1},"data_base64":"e30=")") == "400 /data_base64");
}

TEST_CASE("what is no CloudEvent is malformed, though its amount is invalid too") {
    CHECK(outcome_of(R"({"specversion":"1.0","id":"i","source":"/s","data":{"quantity":-1}})") ==
          "400 /type");
    CHECK(outcome_with(R"("data":{"quantity":-1},"time":"noon")") == "400 /time");
    CHECK(outcome_with(R"("data":{"quantity":-1},"subject":")" + std::string(65, 'a') + R"(","Bad":1)") ==
          "400 ");
}

TEST_CASE("a body that is no object is malformed, a batch under the wrong content type too") {
    for (const char* body : {"", "[]", "null", "5", "\"x\"", "{", "[{}]", "{}"}) {
        INFO(body);
        CHECK(outcome_of(body).starts_with("400"));
    }
}

TEST_CASE("a duplicate member anywhere in an event is malformed") {
    CHECK(outcome_with(R"("data":{"quantity":1},"id":"j")").starts_with("400"));
    CHECK(outcome_with(R"("data":{"quantity":1,"quantity":1})").starts_with("400"));
    CHECK(outcome_with(R"("data":{"quantity":1,"note":{"a":1,"\u0061":2}})").starts_with("400"));
}
