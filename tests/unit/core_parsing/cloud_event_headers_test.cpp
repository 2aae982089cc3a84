// Events in binary mode: attributes in ce-* headers, the data in the body; and which mode a
// request is in.
#include <utility>
#include <vector>

#include "core/cloud_event.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/contains.hpp"

using namespace meterbox::core;
using meterbox::tests::contains;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

const Headers required{
    {"ce-specversion", "1.0"}, {"ce-id", "42"}, {"ce-source", "/s"}, {"ce-type", "render"}};

Headers with(Headers more) {
    Headers all = required;
    all.insert(all.end(), more.begin(), more.end());
    return all;
}
Headers replaced(const std::string& name, const std::string& value) {
    Headers all = required;
    for (auto& header : all) {
        if (header.first == name) header.second = value;
    }
    return all;
}

Result<UsageEvent> parse(const Headers& headers, std::string_view body = R"({"quantity":1})",
                         std::string_view content_type = "application/json") {
    return parse_binary_event(
        [&headers](const std::function<void(std::string_view, std::string_view)>& visit) {
            for (const auto& [name, value] : headers) visit(name, value);
        },
        content_type, body);
}
std::string outcome(const Result<UsageEvent>& event) {
    if (event) return std::to_string(event->amount.value());
    return std::to_string(traits(event.error().code).http_status) + " " + event.error().pointer;
}

}  // namespace

TEST_CASE("headers and body become a report with all that was said") {
    const Result<UsageEvent> event = parse(with({{"Host", "x"},
                                                 {"ce-subject", "job%2017"},
                                                 {"ce-time", "2026-01-01T00:00:00Z"},
                                                 {"ce-extra", "1.5"},
                                                 {"Content-Type", "application/json"}}),
                                           R"({"duration":"PT10M"})");
    REQUIRE(event);
    CHECK(event->id == "42");
    CHECK(event->source == "/s");
    CHECK(event->type == "render");
    CHECK(event->subject == "job 17");
    CHECK(event->time == UtcTime{1'767'225'600'000});
    CHECK(event->time_as_sent == "2026-01-01T00:00:00Z");
    CHECK(event->amount == Amount{600'000});
}

TEST_CASE("the names of headers have no case") {
    CHECK(outcome(parse(
              {{"CE-SpecVersion", "1.0"}, {"Ce-Id", "1"}, {"cE-sOURCE", "/s"}, {"CE-TYPE", "t"}})) == "1");
}

TEST_CASE("values are unquoted and percent-decoded once") {
    const auto id_of = [](const std::string& value) {
        const Result<UsageEvent> event = parse(replaced("ce-id", value));
        return event ? event->id : "refused " + outcome(event);
    };
    CHECK(id_of("Euro%20%E2%82%AC%20%F0%9F%98%80") == "Euro \xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK(id_of("%e2%82%ac") == "\xe2\x82\xac");
    CHECK(id_of("%41bc") == "Abc");
    CHECK(id_of("%2525") == "%25");
    CHECK(id_of("\"a b\"") == "a b");
    CHECK(id_of("\"a \\\"b\\\\\"") == "a \"b\\");
    CHECK(id_of("\"%22\"") == "\"");
    CHECK(id_of("a b") == "a b");
    CHECK(id_of("  a ") == "a");
}

TEST_CASE("a value that doesn't decode to text is malformed") {
    for (const char* value :
         {"%", "%2", "%zz", "a%2g", "%ff", "%C3", "%C3%28", "%ED%A0%80", "%C0%80", "%F4%90%80%80", "%00",
          "%0A", "%7F", "%C2%85", "\"open", "\"a\"b", "\xff", "\xc3", "%EF%BF%BF"}) {
        INFO(value);
        CHECK(outcome(parse(replaced("ce-id", value))) == "400 ");
        CHECK(outcome(parse(with({{"ce-extra", value}}))) == "400 ");
    }
}

TEST_CASE("required headers are required, and present ones not empty") {
    for (std::size_t i = 0; i < required.size(); ++i) {
        Headers some = required;
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(i));
        INFO(required[i].first);
        CHECK(outcome(parse(some)) == "400 ");
        CHECK(outcome(parse(replaced(required[i].first, ""))) == "400 ");
        CHECK(contains(parse(some).error().detail, required[i].first));
    }
    CHECK(outcome(parse(replaced("ce-specversion", "0.3"))) == "400 ");
    CHECK(outcome(parse(with({{"ce-subject", ""}}))) == "400 ");
    CHECK(outcome(parse(with({{"ce-time", "noon"}}))) == "400 ");
    CHECK(outcome(parse(with({{"ce-dataschema", "/relative"}}))) == "400 ");
}

TEST_CASE("a header twice, or one that can't be an attribute, is malformed") {
    CHECK(outcome(parse(with({{"CE-ID", "43"}}))) == "400 ");
    CHECK(outcome(parse(with({{"ce-extra", "1"}, {"ce-Extra", "1"}}))) == "400 ");
    for (const char* name : {"ce-", "ce-my_ext", "ce-my-ext", "ce-data", "ce-datacontenttype", "ce-a.b"}) {
        INFO(name);
        CHECK(outcome(parse(with({{name, "1"}}))) == "400 ");
    }
    CHECK(outcome(parse(with({{"cexextra", "1"}, {"c", "1"}, {"x-ce-id", "1"}}))) == "1");
}

TEST_CASE("the body is JSON by its content type, or there is none") {
    CHECK(outcome(parse(required, R"({"quantity":2})", "")) == "2");
    CHECK(outcome(parse(required, R"({"quantity":2})", "application/json; charset=UTF-8")) == "2");
    CHECK(outcome(parse(required, R"({"quantity":2})", "application/vnd.x+json")) == "2");
    for (const char* type :
         {"text/plain", "application/xml", "json", "application/json; charset=utf-16", "a/b/c"}) {
        INFO(type);
        CHECK(outcome(parse(required, R"({"quantity":2})", type)) == "415 ");
    }
}

TEST_CASE("a body that isn't JSON is malformed, one that is no amount is invalid") {
    CHECK(outcome(parse(required, "{")) == "400 ");
    CHECK(outcome(parse(required, R"({"quantity":1,"quantity":1})")) == "400 ");
    CHECK(outcome(parse(required, "")) == "422 ");
    CHECK(outcome(parse(required, "", "text/plain")) == "422 ");
    CHECK(outcome(parse(required, "[]")) == "422 ");
    CHECK(outcome(parse(required, "null")) == "422 ");
    CHECK(outcome(parse(required, R"({"quantity":-1})")) == "422 /quantity");
    CHECK(outcome(parse(required, R"({"duration":"P1Y"})")) == "422 /duration");
}

TEST_CASE("the limits of lengths hold after decoding") {
    std::string encoded;
    for (std::size_t i = 0; i < limits::identity_bytes_max; ++i) encoded += "%41";
    CHECK(outcome(parse(replaced("ce-id", encoded))) == "1");
    CHECK(outcome(parse(replaced("ce-id", encoded + "a"))) == "422 ");
    CHECK(outcome(parse(replaced("ce-source", std::string(1025, 'a')))) == "422 ");
    CHECK(outcome(parse(with({{"ce-subject", std::string(64, 'a')}}))) == "1");
    CHECK(outcome(parse(with({{"ce-subject", std::string(65, 'a')}}))) == "422 ");
}

TEST_CASE("the same report in the three modes is the same event") {
    const Result<UsageEvent> binary =
        parse(with({{"ce-subject", "j"}, {"ce-time", "2026-01-01T00:00:00Z"}}), R"({"duration":"PT1M"})");
    const std::string json = R"({"specversion":"1.0","id":"42","source":"/s","type":"render","subject":"j",)"
                             R"("time":"2026-01-01T00:00:00Z","data":{"duration_ms":60000}})";
    const Result<UsageEvent> structured = parse_structured_event(json);
    const Result<std::vector<UsageEvent>> batch = parse_event_batch("[" + json + "]");
    const auto content = [](const UsageEvent& event) {
        return std::tuple(event.source, event.id, event.type, event.subject, event.time, event.time_as_sent,
                          event.amount, event.measure);
    };
    REQUIRE((binary && structured && batch));
    CHECK(content(*binary) == content(*structured));
    CHECK(content((*batch)[0]) == content(*structured));
}

TEST_CASE("the mode is told by the content type, and binary by the headers") {
    CHECK(event_mode("application/cloudevents+json", false) == EventMode::structured);
    CHECK(event_mode("application/cloudevents+json; charset=utf-8", true) == EventMode::structured);
    CHECK(event_mode("Application/CloudEvents+JSON;charset=\"UTF-8\"", false) == EventMode::structured);
    CHECK(event_mode("application/cloudevents-batch+json", false) == EventMode::batched);
    CHECK(event_mode("application/cloudevents-batch+json;charset=utf-8;x=y", false) == EventMode::batched);
    CHECK(event_mode("application/json", true) == EventMode::binary);
    CHECK(event_mode("", true) == EventMode::binary);
    CHECK(event_mode("text/plain", true) == EventMode::binary);
    CHECK_FALSE(event_mode("application/json", false));
    CHECK_FALSE(event_mode("", false));
    CHECK_FALSE(event_mode("application/cloudevents+xml", true));
    CHECK_FALSE(event_mode("application/cloudevents", true));
    CHECK_FALSE(event_mode("application/cloudevents+json; charset=utf-16", true));
    CHECK_FALSE(event_mode("text/cloudevents+json", false));
}
