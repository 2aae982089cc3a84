// Usage reports: by hour, day and month, by resource, agent and subject, with the units beside.
#include "account/usage_report.hpp"

#include "admin_fixture.hpp"
#include "core/account_limits.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

core::UtcTime at(const char* text) {
    return core::parse_rfc3339(text).value();
}

struct Usage : AdminPort {
    Usage() {
        clock.set_wall(at("2026-07-20T12:00:00Z"));
        for (const char* key : {"api", "render"})
            done({"resource", "add", key, "--kind", "exhaustible", "--measure", "count", "--unit", "10"});
        done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
        free_grant("lab", "render", 1'000);
        one = agent("lab");
        two = agent("lab");
    }
    void used(const std::string& who, const char* hour, const std::string& resource,
              const std::string& subject, std::int64_t amount, std::int64_t incarnation = 1) {
        database().run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?)",
            who, incarnation, core::hour_of(at(hour)), resource, subject, amount);
    }
    void units(const std::string& who, const char* hour, std::int64_t amount) {
        database().run(
            "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units) VALUES (?, 1, ?, 1, ?)", who,
            core::hour_of(at(hour)), amount);
    }
    boost::json::array rows(const std::string& query) {
        return got("/v1/teams/lab/usage?from=2026-07-01&to=2026-09-01&" + query).at("rows").as_array();
    }
    static boost::json::object row(const char* from, const std::string& resource, const std::string& who,
                                   const std::string& subject, std::int64_t usage, std::int64_t units) {
        return {{"from", from},       {"resource", resource}, {"agent", who},
                {"subject", subject}, {"usage", usage},       {"units", units}};
    }

    std::string one;
    std::string two;
};

}  // namespace

TEST_CASE_METHOD(Usage, "usage is added up by UTC hour, day and month, and its units are shared out by it") {
    used(one, "2026-07-20T10:00:00Z", "render", "a", 15);
    used(one, "2026-07-20T10:00:00Z", "render", "b", 10);
    used(one, "2026-07-20T23:00:00Z", "render", "a", 4);
    used(one, "2026-07-21T00:00:00Z", "render", "a", 1);
    used(one, "2026-08-01T00:00:00Z", "render", "a", 7);
    units(one, "2026-07-20T10:00:00Z", 2);
    units(one, "2026-07-21T00:00:00Z", 1);
    units(one, "2026-07-22T00:00:00Z", 5);  // usage of that hour hasn't been heard of yet
    CHECK(rows("by=hour") == boost::json::array{row("2026-07-20T10:00:00Z", "render", one, "a", 15, 1),
                                                row("2026-07-20T10:00:00Z", "render", one, "b", 10, 1),
                                                row("2026-07-20T23:00:00Z", "render", one, "a", 4, 0),
                                                row("2026-07-21T00:00:00Z", "render", one, "a", 1, 1),
                                                row("2026-07-22T00:00:00Z", "render", one, "", 0, 5),
                                                row("2026-08-01T00:00:00Z", "render", one, "a", 7, 0)});
    CHECK(rows("by=day").size() == 5);
    CHECK(rows("by=day").at(0) == row("2026-07-20T00:00:00Z", "render", one, "a", 19, 1));
    CHECK(rows("by=month") == boost::json::array{row("2026-07-01T00:00:00Z", "render", one, "a", 20, 5),
                                                 row("2026-07-01T00:00:00Z", "render", one, "b", 10, 3),
                                                 row("2026-08-01T00:00:00Z", "render", one, "a", 7, 0)});
}

TEST_CASE_METHOD(Usage, "each subject gets its part of the units, and together they have all of them") {
    const std::int64_t most = std::int64_t{1} << 62;
    used(one, "2026-07-20T10:00:00Z", "render", "a", 0);
    used(one, "2026-07-20T10:00:00Z", "render", "b", 7);
    used(one, "2026-07-20T10:00:00Z", "render", "c", 7);
    used(one, "2026-07-20T10:00:00Z", "render", "d", 16);
    units(one, "2026-07-20T10:00:00Z", 10);
    used(one, "2026-07-21T10:00:00Z", "render", "a", most);
    used(one, "2026-07-21T10:00:00Z", "render", "b", most);
    units(one, "2026-07-21T10:00:00Z", std::int64_t{1} << 40);
    used(one, "2026-07-22T10:00:00Z", "render", "a", 0);
    used(one, "2026-07-22T10:00:00Z", "render", "b", 0);
    units(one, "2026-07-22T10:00:00Z", 3);
    std::vector<std::int64_t> shares;
    for (const auto& found : rows("by=day")) shares.push_back(found.at("units").as_int64());
    const std::int64_t half = std::int64_t{1} << 39;
    CHECK(shares == std::vector<std::int64_t>{0, 2, 2, 6, half, half, 3, 0});
}

TEST_CASE_METHOD(Usage, "of what is returnable the most that was held at once is shown, not a sum") {
    used(one, "2026-07-20T10:00:00Z", "seats", "job", 3);
    used(one, "2026-07-20T11:00:00Z", "seats", "job", 5);
    used(one, "2026-07-20T12:00:00Z", "seats", "job", 2);
    CHECK(rows("by=day") == boost::json::array{row("2026-07-20T00:00:00Z", "seats", one, "job", 5, 0)});
}

TEST_CASE_METHOD(Usage, "a report is of its time, resource and agent alone, and says as of when it is") {
    used(one, "2026-06-30T23:00:00Z", "render", "a", 1);
    used(one, "2026-07-01T00:00:00Z", "render", "a", 2);
    used(one, "2026-08-31T23:00:00Z", "render", "a", 4, 2);
    begin_second_incarnation(one);
    used(one, "2026-09-01T00:00:00Z", "render", "a", 8);
    used(two, "2026-07-01T00:00:00Z", "render", "a", 16);
    used(two, "2026-07-01T00:00:00Z", "api", "a", 32);
    const auto sum = [&](const std::string& query) {
        std::int64_t usage = 0;
        for (const auto& found : rows(query)) usage += found.at("usage").as_int64();
        return usage;
    };
    CHECK(sum("by=month") == 2 + 4 + 16 + 32);
    CHECK(sum("by=hour&resource=api") == 32);
    CHECK(sum("by=day&agent=" + one) == 6);
    CHECK(sum("by=day&agent=" + two + "&resource=render") == 16);
    CHECK(got("/v1/teams/lab/usage").at("as_of") == "2026-07-20T12:00:00Z");
    CHECK(got("/v1/teams/other/usage").at("rows").as_array().empty());
    for (const char* wrong :
         {"by=week", "from=soon", "to=2026-02-30", "from=2026-08-02&to=2026-08-01", "resource=none"})
        CHECK(error_name(get(std::string("/v1/teams/lab/usage?") + wrong, operators)) == "invalid");
    used(one, "2020-07-01T10:00:00Z", "render", "a", 1);
    CHECK(error_name(get("/v1/teams/lab/usage?from=2020-07-01&by=day", operators)) == "invalid");
    CHECK(got("/v1/teams/lab/usage?from=2020-07-01&to=2020-08-01&by=month").at("rows").as_array().size() ==
          1);
}

TEST_CASE_METHOD(Usage, "a report as CSV starts no formula in anybody's spreadsheet") {
    used(one, "2026-07-20T10:00:00Z", "render", "=cmd|' /C calc'!A0", 1);
    used(one, "2026-07-20T10:00:00Z", "render", "a \"b\", c", 2);
    used(one, "2026-07-20T10:00:00Z", "render", "@x", 3);
    const HttpAnswer answer = ask("GET", "/v1/teams/lab/usage?by=hour",
                                  "Authorization: Bearer " + operators + "\r\nAccept: text/csv\r\n");
    CHECK(answer.has("Content-Type: text/csv"));
    const std::string start = "2026-07-20T10:00:00Z,render," + one + ",";
    CHECK(answer.body == "from,resource,agent,subject,usage,units\r\n" + start +
                             "'=cmd|' /C calc'!A0,1,0\r\n" + start + "'@x,3,0\r\n" + start +
                             "\"a \"\"b\"\", c\",2,0\r\n");
    CHECK(done({"usage", "lab", "--csv", "--by", "hour"}) == answer.body);
    CHECK(command({"usage", "lab", "--csv", "--json"}).exit == account::exit_usage);
}

TEST_CASE_METHOD(Usage, "a report in many slices is the one at once, and one that is too long is refused") {
    REQUIRE(store().connection().begin());
    const std::int64_t first = core::hour_of(at("2026-07-01T00:00:00Z")).number;
    for (std::int64_t i = 0; i < 3 * core::limits::report_page_rows; ++i) {
        database().run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, 1, ?, ?, ?, "
            "?)",
            i % 3 == 0 ? one : two, first + i / 7, i % 2 == 0 ? "api" : "render", std::to_string(i % 7), i);
        database().run(
            "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units) VALUES (?, 1, ?, 1, 1)", one,
            first + i);
    }
    REQUIRE(store().connection().commit());
    const account::UsageQuestion question{
        "lab", at("2026-07-01T00:00:00Z"), at("2026-12-01T00:00:00Z"), account::Period::hour, "", ""};
    account::UsageReport report(question, {});
    int slices = 0;
    while (report.add_up(database(), [] { return true; })) ++slices;
    CHECK(slices >= 6);
    const auto rows = report.rows();
    const auto at_once = *account::team_usage(database(), question);
    REQUIRE(rows.size() == at_once.size());
    std::int64_t usage = 0;
    std::int64_t units = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i].subject == at_once[i].subject);
        usage += rows[i].usage.value();
        units += rows[i].units.value();
    }
    const std::int64_t count = 3 * core::limits::report_page_rows;
    CHECK(usage == count * (count - 1) / 2);
    CHECK(units == count);

    account::UsageReport bounded(question, {});
    bounded.at_most(rows.size() / 2);
    while (bounded.add_up(database(), [] { return true; })) {
    }
    CHECK(bounded.is_too_long());
}

TEST_CASE_METHOD(Usage, "usage of an agent that the team doesn't have is an error, not an empty report") {
    used(one, "2026-07-20T10:00:00Z", "render", "a", 15);
    CHECK(rows("agent=" + one).size() == 1);
    CHECK(rows("agent=" + two).empty());
    CHECK(error_name(get("/v1/teams/lab/usage?agent=nobody", operators)) == "not-found");
    CHECK(error_name(get("/v1/teams/other/usage?agent=" + one, operators)) == "not-found");
    CHECK(command({"usage", "lab", "--agent", two}).exit == account::exit_done);
    const account::Outcome outcome = command({"usage", "other", "--agent", one});
    CHECK(outcome.exit == account::exit_failed);
    CHECK(outcome.err.find("no agent " + one) != std::string::npos);
}
