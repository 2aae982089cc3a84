// What CloudEvents' conformance suite for the JSON format covers, case by case under the suite's
// names, on events of our own: what it calls invalid is malformed (400), what it calls valid never is.
// Events that are valid and no report of usage are invalid (422).
#include "core/cloud_event.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

constexpr const char* rest = R"("source":"/case","type":"render","data":{"quantity":1})";

struct Case {
    const char* name;
    std::string event;
};

std::string with(const std::string& members) {
    return R"({"specversion":"1.0","id":"case",)" + std::string{rest} + "," + members + "}";
}

int status_of(const std::string& body, EventMode mode) {
    if (mode == EventMode::batched) {
        const Result<std::vector<UsageEvent>> events = parse_event_batch(body);
        return events ? 200 : traits(events.error().code).http_status;
    }
    const Result<UsageEvent> event = parse_structured_event(body);
    return event ? 200 : traits(event.error().code).http_status;
}

}  // namespace

TEST_CASE("what the conformance suite calls an invalid event is malformed") {
    const std::string tail = R"("source":"/case","type":"render")";
    const Case cases[] = {
        {"NoSpecVersion", R"({"id":"case",)" + tail + "}"},
        {"NoId", R"({"specversion":"1.0",)" + tail + "}"},
        {"NoType", R"({"specversion":"1.0","id":"case","source":"/case"})"},
        {"NoSource", R"({"specversion":"1.0","id":"case","type":"render"})"},
        {"TimeGarbage", with(R"("time":"noon")")},
        {"TimeToMinute", with(R"("time":"2026-04-05T18:31Z")")},
        {"TimeOffsetX", with(R"("time":"2026-04-05T18:31:00X")")},
        {"TimeOffsetOutOfRange", with(R"("time":"2026-04-05T18:31:00+25:00")")},
        {"TimeOffsetNonInteger", with(R"("time":"2026-04-05T18:31:00+xx:00")")},
        {"TimeOffsetHourOnly", with(R"("time":"2026-04-05T18:31:00+05")")},
        {"EmptyId", R"({"specversion":"1.0","id":"",)" + tail + "}"},
        {"EmptyType", R"({"specversion":"1.0","id":"case","source":"/case","type":""})"},
        {"EmptySource", R"({"specversion":"1.0","id":"case","source":"","type":"render"})"},
        {"EmptySpecVersion", R"({"specversion":"","id":"case",)" + tail + "}"},
        {"UnknownSpecVersion", R"({"specversion":"0.9","id":"case",)" + tail + "}"},
        {"NonRfc2046DataContentType", with(R"("datacontenttype":"xyz")")},
        {"EmptyDataContentType", with(R"("datacontenttype":"")")},
        {"EmptyDataSchema", with(R"("dataschema":"")")},
        {"EmptySubject", with(R"("subject":"")")},
        {"NumericId", R"({"specversion":"1.0","id":25,)" + tail + "}"},
        {"ObjectId", R"({"specversion":"1.0","id":{"xyz":"abc"},)" + tail + "}"},
        {"CapitalizedExtension", with(R"("MyExtension":"bad")")},
        {"PunctuatedExtension", with(R"("my.extension":"bad")")},
        {"NonIntegerExtensionValue", with(R"("myextension":1.5)")},
        {"BothDataAndDataBase64", with(R"("data_base64":"eyJxdWFudGl0eSI6MX0=")")},
    };
    for (const Case& c : cases) {
        INFO(c.name);
        CHECK(status_of(c.event, EventMode::structured) == 400);
        CHECK(status_of("[" + c.event + "]", EventMode::batched) == 400);
    }
}

TEST_CASE(
    "what the conformance suite calls a valid event is a report if it has an amount, and never malformed") {
    const std::string core =
        R"("specversion":"1.0","id":"case","source":"https://example.org","type":"render")";
    const std::string amount = R"("data":{"quantity":1})";
    const Case reports[] = {
        {"NullForOptional", "{" + core +
                                R"(,"datacontenttype":null,"dataschema":null,"subject":null,"time":null,)" +
                                amount + "}"},
        {"AllCoreAttributes",
         "{" + core +
             R"(,"datacontenttype":"application/json","dataschema":"https://example.org/s",)"
             R"("subject":"tests","time":"2026-04-05T17:31:00Z",)" +
             amount + "}"},
        {"TimeToNanosecondsUtc", "{" + core + R"(,"time":"2026-04-05T17:31:00.000000000Z",)" + amount + "}"},
        {"TimePositiveOffset", "{" + core + R"(,"time":"2026-04-05T18:31:00+01:00",)" + amount + "}"},
        {"TimeNegativeOffset", "{" + core + R"(,"time":"2026-04-05T16:31:00-01:00",)" + amount + "}"},
        {"RelativeSource",
         R"({"specversion":"1.0","id":"case","source":"#fragment","type":"render",)" + amount + "}"},
        {"AllExtensionTypes",
         "{" + core +
             R"(,"extinteger":10,"extboolean":true,"extstring":"text","exturi":"https://example.org",)"
             R"("exturiref":"//authority/path","exttimestamp":"2026-03-31T15:12:00Z","extbinary":"TWE=",)" +
             amount + "}"},
    };
    for (const Case& c : reports) {
        INFO(c.name);
        CHECK(status_of(c.event, EventMode::structured) == 200);
        CHECK(status_of("[" + c.event + "]", EventMode::batched) == 200);
    }
    const Case no_reports[] = {
        {"Minimal", "{" + core + "}"},
        {"TextPlainWithoutData", "{" + core + R"(,"datacontenttype":"text/plain"})"},
        {"SimpleTextData", "{" + core + R"(,"datacontenttype":"text/plain","data":"Simple text"})"},
        {"TextDataWithoutType", "{" + core + R"(,"data":"Simple text"})"},
        {"BinaryData", "{" + core + R"(,"data_base64":"AAEC/w=="})"},
        {"BinaryDataWithType",
         "{" + core + R"(,"datacontenttype":"application/octet-stream","data_base64":"AAEC/w=="})"},
        {"DataNull", "{" + core + R"(,"data":null})"},
        {"DataNumber", "{" + core + R"(,"data":5})"},
    };
    for (const Case& c : no_reports) {
        INFO(c.name);
        CHECK(status_of(c.event, EventMode::structured) == 422);
        CHECK(status_of("[" + c.event + "]", EventMode::batched) == 422);
    }
}

TEST_CASE(
    "what the conformance suite calls an invalid batch is malformed, though its first event is only "
    "invalid") {
    const std::string minimal = R"({"specversion":"1.0","id":"a","type":"render","source":"/case"})";
    const std::string other_version = R"({"specversion":"0.9","id":"b","type":"render","source":"/case"})";
    const std::string no_id = R"({"specversion":"1.0","type":"render","source":"/case"})";
    CHECK(status_of("[" + minimal + "," + other_version + "]", EventMode::batched) == 400);
    CHECK(status_of("[" + no_id + "]", EventMode::batched) == 400);
    CHECK(status_of("[\"not an object\"," + minimal + "]", EventMode::batched) == 400);
}

TEST_CASE("what the conformance suite calls a valid batch is never malformed") {
    const std::string minimal = R"({"specversion":"1.0","id":"a","type":"render","source":"/case"})";
    CHECK(status_of("[]", EventMode::batched) == 200);
    CHECK(status_of("[" + minimal + "]", EventMode::batched) == 422);
    CHECK(status_of("[" + minimal + "," + minimal + "]", EventMode::batched) == 422);
}
