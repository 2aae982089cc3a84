// The account's /metrics: the figures of those teams that the token reads, in both formats.
#include "account/account_metrics.hpp"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "admin_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Metrics : AdminPort {
    Metrics() {
        done({"resource", "add", "render", "--kind", "exhaustible", "--measure", "duration", "--unit", "1s"});
        free_grant("lab", "render", 10);
        one = agent("lab");
        agent("lab");
        core::wire::SyncRequest said;
        said.session = session("lab", one);
        said.request_number = 1;
        said.resources = {counters("render", 0, 4, 0)};
        REQUIRE(sync("lab", one, said));
        said.request_number = 2;
        core::wire::TrancheCounters used{
            "t1", core::Units{3}, core::Units{0}, {{core::hour_of(clock.wall_now()), core::Units{3}}}};
        said.resources = {counters("render", 3'500, 0, 0, {used})};
        REQUIRE(sync("lab", one, said));
    }
    std::string text(const std::string& token, const std::string& accept = "") {
        const HttpAnswer answer = ask(
            "GET", "/metrics",
            "Authorization: Bearer " + token + "\r\n" + (accept.empty() ? "" : "Accept: " + accept + "\r\n"));
        REQUIRE(answer.status == 200);
        CHECK(answer.has(accept.empty() ? "Content-Type: text/plain; version=0.0.4"
                                        : "Content-Type: application/openmetrics-text; version=1.0.0"));
        return answer.body;
    }
    std::string one;
};

bool says(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE_METHOD(Metrics, "the account's metrics say of each team what its card and its agents say") {
    const std::string all = text(operators);
    const std::string lab = R"({team="lab",resource="render"})";
    CHECK(says(all, "meterbox_account_resource_available_units" + lab + " 7"));
    CHECK(says(all, "meterbox_account_resource_purchased_units" + lab + " 10"));
    CHECK(says(all, "meterbox_account_resource_leased_units" + lab + " 1"));
    CHECK(says(all, "meterbox_account_resource_charged_units" + lab + " 3"));
    CHECK(says(all, R"(meterbox_account_resource_state{team="lab",resource="render",state="ok"} 1)"));
    CHECK(says(all, R"(meterbox_account_agents{team="lab",state="active"} 2)"));
    CHECK(says(all, R"(meterbox_account_refused_messages_total{team="lab"} 0)"));
    CHECK(all.find("meterbox_account_last_sync_timestamp_seconds{team=\"lab\"} ") != std::string::npos);
    CHECK(all.find("meterbox_account_commits_total ") != std::string::npos);
    CHECK(all.find("meterbox_account_build_info{version=") != std::string::npos);
    done({"agent", "write-off", one, "--as", "hold"});
    CHECK(says(text(operators), "meterbox_account_in_doubt_units" + lab + " 1"));
}

TEST_CASE_METHOD(Metrics, "a team's token sees the figures of that team alone, from both sides") {
    const std::string lab = text(admin_token("lab"));
    const std::string other = text(admin_token("other"));
    CHECK(lab.find("team=\"lab\"") != std::string::npos);
    CHECK(lab.find("\"other\"") == std::string::npos);
    CHECK(other.find("team=\"other\"") != std::string::npos);
    CHECK(other.find("\"lab\"") == std::string::npos);
    CHECK(lab.find("meterbox_account_commits") == std::string::npos);
    CHECK(get("/metrics", "guess").status == 401);
    CHECK(get("/metrics", "").status == 401);
}

TEST_CASE_METHOD(Metrics, "both formats are well formed: each family once, its samples below its head") {
    const bool open = GENERATE(false, true);
    const std::string body = text(operators, open ? "application/openmetrics-text; version=1.0.0" : "");
    CHECK(body.ends_with("# EOF\n") == open);
    const std::regex head{"# (HELP|TYPE) (meterbox_[a-z_]+) (.+)"};
    const std::regex sample{
        R"re((meterbox_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9]+(\.[0-9]{3})?)re"};
    std::set<std::string> seen;
    std::string name;
    bool is_counter = false;
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        if (line == "# EOF") break;
        std::smatch match;
        if (std::regex_match(line, match, head)) {
            if (match[1] == "HELP") CHECK(seen.insert(match[2]).second);
            name = match[2];
            is_counter = match[3] == "counter";
            if (is_counter) CHECK(name.ends_with("_total") != open);
        } else {
            REQUIRE(std::regex_match(line, match, sample));
            CHECK(match[1] == (is_counter && open ? name + "_total" : name));
        }
    }
    CHECK(seen.size() > 10);
}

TEST_CASE("docs/ACCOUNT_METRICS.md lists the account's metrics, in their words") {
    std::ifstream file{METERBOX_ACCOUNT_METRICS_DOC};
    REQUIRE(file);
    std::vector<std::string> documented;
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("| `meterbox_")) documented.push_back(line);
    std::vector<std::string> expected;
    for (const account::AccountMetric& metric : account::account_metric_table()) {
        std::string labels;
        std::istringstream words{std::string(metric.labels)};
        for (std::string word; std::getline(words, word, ',');)
            labels += (labels.empty() ? "`" : ", `") + word + "`";
        expected.push_back("| `" + std::string(metric.name) + (metric.type == "counter" ? "_total" : "") +
                           "` | " + std::string(metric.type) + " | " + labels + " | " +
                           std::string(metric.help) + " |");
    }
    CHECK(documented == expected);
}
