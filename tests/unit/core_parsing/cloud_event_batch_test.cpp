// Batches: taken whole or refused with the index of what is wrong.
#include "core/cloud_event.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

std::string event_of(int id, const std::string& data = R"({"quantity":1})") {
    return R"({"specversion":"1.0","id":")" + std::to_string(id) +
           R"(","source":"/s","type":"render","data":)" + data + "}";
}
std::string batch_of(std::initializer_list<std::string> events) {
    std::string text = "[";
    for (const std::string& event : events) text += (text.size() > 1 ? "," : "") + event;
    return text + "]";
}
Error error_of(const std::string& body) {
    const Result<std::vector<UsageEvent>> events = parse_event_batch(body);
    REQUIRE_FALSE(events);
    return events.error();
}

}  // namespace

TEST_CASE("a batch gives its events in order, an empty one none") {
    const Result<std::vector<UsageEvent>> events =
        parse_event_batch(batch_of({event_of(1), event_of(2, R"({"duration":"PT1S"})"), event_of(3)}));
    REQUIRE(events);
    REQUIRE(events->size() == 3);
    CHECK((*events)[0].id == "1");
    CHECK((*events)[1].amount == Amount{1000});
    CHECK((*events)[2].id == "3");
    CHECK(parse_event_batch("[]")->empty());
    CHECK(parse_event_batch(" [ ] ")->empty());
}

TEST_CASE("a bad event is named by index and pointer") {
    const Error invalid = error_of(batch_of({event_of(1), event_of(2, R"({"quantity":-1})"), event_of(3)}));
    CHECK(invalid.code == ErrorCode::invalid);
    CHECK(invalid.index == 1);
    CHECK(invalid.pointer == "/1/data/quantity");

    const Error malformed = error_of(batch_of({event_of(1), event_of(2), R"({"id":"3"})"}));
    CHECK(malformed.code == ErrorCode::malformed);
    CHECK(malformed.index == 2);
    CHECK(malformed.pointer == "/2/specversion");

    const Error no_object = error_of("[1]");
    CHECK(no_object.code == ErrorCode::malformed);
    CHECK(no_object.index == 0);
    CHECK(no_object.pointer == "/0");
}

TEST_CASE("of several bad events the first is named, what is malformed before what is invalid") {
    CHECK(error_of(batch_of({event_of(1), event_of(2, "{}"), event_of(3, "[]")})).index == 1);
    const Error mixed = error_of(batch_of({event_of(1, "{}"), event_of(2), "{}", "[]"}));
    CHECK(mixed.code == ErrorCode::malformed);
    CHECK(mixed.index == 2);
}

TEST_CASE("a batch that is no array, or no JSON, is malformed as a whole") {
    const std::vector<std::string> bodies{"{}", "null", "5", "", "[", "[1", "[]]", event_of(1)};
    for (const std::string& body : bodies) {
        INFO(body);
        const Error error = error_of(body);
        CHECK(error.code == ErrorCode::malformed);
        CHECK_FALSE(error.index);
    }
}

TEST_CASE("where a batch stops being JSON inside of an event, that event is named") {
    const std::string twice = R"({"specversion":"1.0","specversion":"1.0"})";
    const auto index_of = [](const std::string& body) {
        const Error error = error_of(body);
        CHECK(error.code == ErrorCode::malformed);
        return error.index ? static_cast<int>(*error.index) : -1;
    };
    CHECK(index_of(batch_of({twice})) == 0);
    CHECK(index_of(batch_of({event_of(1), event_of(2), twice, event_of(4)})) == 2);
    CHECK(index_of(batch_of({event_of(1, R"({"a":"],[\"},{","b":[1,2]})"), R"({"a":nul})"})) == 1);
    CHECK(index_of(batch_of({event_of(1), "{\"a\":\"\xff\"}"})) == 1);
    CHECK(index_of("[" + event_of(1) + event_of(2) + "]") == -1);
    CHECK(index_of("[" + event_of(1) + ",]") == -1);
    CHECK(index_of(batch_of({event_of(1)}) + "x") == -1);
    CHECK(index_of(R"({"a":{"b":1,"b":2}})") == -1);
}

TEST_CASE("10000 events are taken, 10001 are too large") {
    std::string body = "[";
    for (std::size_t i = 0; i < limits::batch_events_max; ++i)
        body += (i ? "," : "") + event_of(static_cast<int>(i));
    CHECK(parse_event_batch(body + "]")->size() == limits::batch_events_max);
    CHECK(error_of(body + "," + event_of(-1) + "]").code == ErrorCode::too_large);
    std::string zeros = "[0";
    for (std::size_t i = 0; i < limits::batch_events_max; ++i) zeros += ",0";
    CHECK(error_of(zeros + "]").code == ErrorCode::too_large);
}

TEST_CASE("the same identity twice in a batch is parsed twice: what it means is judged elsewhere") {
    CHECK(parse_event_batch(batch_of({event_of(1), event_of(1)}))->size() == 2);
}
