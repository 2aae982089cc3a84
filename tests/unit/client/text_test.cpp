// What people read: nothing in it may speak to their terminal, and every balance says as of when.
#include "client/text.hpp"

#include "client/failure.hpp"
#include "client/listings.hpp"
#include "core/json_reader.hpp"
#include "tests/support/catch.hpp"

namespace meterbox::client {
namespace {

boost::json::value json(std::string_view text) {
    auto parsed = core::parse_json(text);
    REQUIRE(parsed);
    return *parsed;
}

const std::string status_document = R"({
  "agent": {"id": "a1", "name": "render-01", "team": "studio", "version": "0.1.0", "uptime_s": 11520},
  "enrollment": {"state": "enrolled"},
  "account": {"url": "https://account:9440", "reachable": false, "last_sync_at": "2026-11-23T19:00:00Z",
              "last_error": "no answer", "next_sync_at": "2026-11-23T19:25:00Z", "consecutive_failures": 2},
  "cards": [
    {"resource": "render", "name": "Rendering", "state": "ok", "reason": "", "available_units": 140,
     "purchased_units": 150, "charged_units": 10, "used_percent": 7, "remainder": 360000, "unit_size": 1200000,
     "measure": "duration", "tiers": [], "refreshes_at": "2026-12-15T00:00:00Z", "overage_units": 0,
     "as_of": "2026-11-23T19:23:48Z"},
    {"resource": "api", "name": "api", "state": "exhausted", "reason": "stale", "available_units": 0,
     "purchased_units": 5, "charged_units": 5, "used_percent": 100, "remainder": 0, "unit_size": 1000,
     "measure": "count", "tiers": [], "overage_units": 1, "as_of": "2026-11-23T19:23:48Z"},
    {"resource": "fresh", "state": "unknown", "as_of": null}],
  "pending": {"units": 1, "usage_rows": 3},
  "clock": {"trusted_now": "2026-11-23T19:24:00Z", "state": "estimated"},
  "sessions": {"active": 2}})";

}  // namespace

TEST_CASE("the status tells balances, states, ages and what waits") {
    CHECK(status_text(json(status_document), Painter{false}) ==
          "render-01 of team studio: enrolled; meterboxd 0.1.0, up 3h12m\n"
          "\n"
          "render (Rendering): 140 of 150 available, 7 % used, ok\n"
          "    6m of the next 20m; refreshes in 21d4h; as of 12s ago\n"
          "api: 0 of 5 available, 100 % used, exhausted (stale)\n"
          "    1 unit of overage; as of 12s ago\n"
          "fresh: no balance heard yet, unknown\n"
          "    as of never\n"
          "\n"
          "account   https://account:9440, out of reach, synced 24m ago, next in 1m, 2 failures in a row\n"
          "          no answer\n"
          "waiting   1 unit and 3 usage rows for the next sync\n"
          "sessions  2 active\n"
          "clock     estimated\n");
}

TEST_CASE("the status says that the account learns") {
    const std::string text = status_text(json(R"({"account": {"learning": true}})"), Painter{false});
    CHECK(text.find("until it has heard all of the team's agents") != std::string::npos);
}

TEST_CASE("a status without anything in it can be shown") {
    const std::string text = status_text(json("{}"), Painter{false});
    CHECK(text.find("No resources yet.") != std::string::npos);
    CHECK(status_text(json("[]"), Painter{false}) == text);
}

TEST_CASE("colour is there when asked for, and nowhere else") {
    const auto document = json(status_document);
    CHECK(status_text(document, Painter{true}).find("\x1b[32mok\x1b[0m") != std::string::npos);
    CHECK(status_text(document, Painter{false}).find('\x1b') == std::string::npos);
}

TEST_CASE("what the daemon passes on can't speak to the terminal") {
    CHECK(printable("a\x1b[31mb\nc\x7f") == "a [31mb c ");
    CHECK(printable("caf\xc3\xa9") == "caf\xc3\xa9");
    CHECK(printable("x\xc2\x9b"
                    "31m") == "x 31m");
    const auto document = json(R"({"resources": [{"key": "k", "name": "\u001b]0;x\u0007"}]})");
    CHECK(resources_text(document, {}).find_first_of("\x1b\x07") == std::string::npos);
}

TEST_CASE("tables keep their columns, and their lines end in no space") {
    CHECK(table_text({{"A", "B"}, {"long", ""}, {"caf\xc3\xa9", "x"}}) == "A     B\nlong\ncaf\xc3\xa9  x\n");
    CHECK(sessions_text(json(R"({"sessions": []})")) == "No sessions are running.\n");
    CHECK(sessions_text(
              json(R"({"sessions": [{"id": "s1", "resource": "render", "subject": "job", "state": "low",
                                "metered": 65000, "exhausts_in_ms": null}]})")) ==
          "SESSION  RESOURCE  SUBJECT  STATE  METERED  USED UP IN\n"
          "s1       render    job      low    1m5s     -\n");
}

TEST_CASE("spans are told to two places") {
    CHECK(span_text(0) == "0s");
    CHECK(span_text(999) == "999ms");
    CHECK(span_text(61'999) == "1m1s");
    CHECK(span_text(3 * core::hour_ms + 4 * core::minute_ms + 5'000) == "3h4m");
    CHECK(span_text(core::day_ms + 30 * core::minute_ms) == "1d");
    CHECK(age_text({10'000}, {10'500}) == "just now");
    CHECK(age_text({10'500}, {10'000}) == "just now");
}

TEST_CASE("a problem becomes one line and the exit code of its kind") {
    const auto code_of = [](int status, const std::string& body) {
        return failure_of(platform::http::ClientResponse{.status = status, .body = body}).exit_code;
    };
    CHECK(code_of(402, "{}") == exit_exhausted);
    CHECK(code_of(503, R"({"type": "urn:meterbox:error:unreachable"})") == exit_unreachable);
    CHECK(code_of(503, R"({"type": "urn:meterbox:error:storage"})") == exit_failed);
    CHECK(code_of(422, "not JSON") == exit_failed);
    const auto failure = failure_of(platform::http::ClientResponse{
        .status = 422, .body = R"({"title": "Invalid", "detail": "no resource\n\"x\""})"});
    CHECK(failure.message == "no resource \"x\"");
    CHECK(failure_of(platform::http::ClientResponse{.status = 500}).message == "the daemon answers HTTP 500");
}

}  // namespace meterbox::client
