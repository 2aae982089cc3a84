// GET /status: the names and nulls that the contract fixes.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "agent/status.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/agent_admin/samples.hpp"

using namespace meterbox;
namespace json = boost::json;

namespace {
json::value parsed(const std::string& text) {
    return json::parse(text);
}
}  // namespace

TEST_CASE("the status of an enrolled agent has every member, times in RFC 3339") {
    const json::value expected = parsed(R"({
      "agent": {"id": "agent-1", "name": "render-box", "team": "studio", "version": "0.1.0",
                "started_at": "2023-11-14T21:56:40Z", "uptime_s": 61},
      "enrollment": {"state": "enrolled", "certificate_expires_at": "2024-02-03T22:40:00Z",
                     "retiring": false},
      "account": {"url": "https://account.example:9443", "reachable": true,
                  "last_sync_at": "2023-11-14T22:13:20.250Z", "last_error": null,
                  "next_sync_at": "2023-11-14T22:17:20Z", "consecutive_failures": 3, "learning": false},
      "cards": [{"resource": "render", "name": "Rendering", "kind": "exhaustible", "state": "low",
                 "reason": null, "available_units": 30, "purchased_units": 150, "leased_units": 7,
                 "charged_units": 120, "used_percent": 80, "remainder": 754321, "unit_size": 1200000,
                 "measure": "duration", "tiers": [], "ends_at": null, "refreshes_at": null,
                 "exhausts_at": null, "overage_units": 2, "enforcement": "hard",
                 "as_of": "2023-11-14T22:13:20.500Z"}],
      "pending": {"units": 4, "usage_rows": 5},
      "journal": {"state": "ok", "detail": null, "set_aside": [], "damage": null,
                  "rows": 11, "bytes": 12345, "oldest": "2023-11-03T08:26:40Z", "budget_bytes": 1073741824},
      "clock": {"trusted_now": "2023-11-14T22:13:21Z", "wall_now": "2023-11-14T22:13:20Z", "state": "trusted"},
      "sessions": {"active": 6}})");
    CHECK(parsed(agent::status_json(tests::enrolled_status())) == expected);
}

TEST_CASE("what a new agent doesn't know yet is null, and nothing is missing") {
    agent::StatusSnapshot status;
    status.agent.name = "box";
    status.agent.version = "0.1.0";
    const json::value expected = parsed(R"({
      "agent": {"id": null, "name": "box", "team": null, "version": "0.1.0",
                "started_at": "1970-01-01T00:00:00Z", "uptime_s": 0},
      "enrollment": {"state": "none", "certificate_expires_at": null, "retiring": false},
      "account": {"url": null, "reachable": false, "last_sync_at": null, "last_error": null,
                  "next_sync_at": null, "consecutive_failures": 0, "learning": false},
      "cards": [],
      "pending": {"units": 0, "usage_rows": 0},
      "journal": {"state": "ok", "detail": null, "set_aside": [], "damage": null,
                  "rows": 0, "bytes": 0, "oldest": null, "budget_bytes": 0},
      "clock": {"trusted_now": null, "wall_now": "1970-01-01T00:00:00Z", "state": "unset"},
      "sessions": {"active": 0}})");
    CHECK(parsed(agent::status_json(status)) == expected);
}

TEST_CASE("an error of the account's is shown as text, whatever is in it") {
    agent::StatusSnapshot status;
    status.account.last_error = "said \"no\"\n";
    const json::value document = parsed(agent::status_json(status));
    CHECK(document.at("account").at("last_error").as_string() == "said \"no\"\n");
}

TEST_CASE("each state of enrollment has its name") {
    using agent::EnrollmentState;
    CHECK(agent::name_of(EnrollmentState::none) == "none");
    CHECK(agent::name_of(EnrollmentState::enrolled) == "enrolled");
    CHECK(agent::name_of(EnrollmentState::expired) == "expired");
    CHECK(agent::name_of(EnrollmentState::revoked) == "revoked");
    CHECK(agent::name_of(EnrollmentState::fenced) == "fenced");
    CHECK(agent::name_of(EnrollmentState::retired) == "retired");
}
