// GET /metrics: the text format, and one table that the document agrees with.
#include "agent/metrics.hpp"

#include <fstream>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/metric_samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/agent_admin/samples.hpp"

using namespace meterbox;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// The samples by name and labels.
std::map<std::string, std::string> samples_of(const agent::StatusSnapshot& status) {
    std::map<std::string, std::string> samples;
    for (const std::string& line : lines_of(agent::metrics_text(status))) {
        if (line.starts_with('#')) continue;
        const std::size_t space = line.rfind(' ');
        CHECK(samples.emplace(line.substr(0, space), line.substr(space + 1)).second);
    }
    return samples;
}

std::string seconds(std::int64_t ms) {
    std::string text;
    core::MetricSamples{text, "x"}.add_seconds(ms);
    return text;
}

}  // namespace

TEST_CASE("every figure of the status is in the metrics, in base units") {
    const std::map<std::string, std::string> expected{
        {"meterbox_build_info{version=\"0.1.0\"}", "1"},
        {"meterbox_start_time_seconds", "1699999000.000"},
        {"meterbox_uptime_seconds", "61.999"},
        {"meterbox_enrolled", "1"},
        {"meterbox_certificate_expiry_timestamp_seconds", "1707000000.000"},
        {"meterbox_account_reachable", "1"},
        {"meterbox_last_sync_timestamp_seconds", "1700000000.250"},
        {"meterbox_sync_consecutive_failures", "3"},
        {"meterbox_syncs_total", "25"},
        {"meterbox_sync_failures_total", "26"},
        {"meterbox_pending_units", "4"},
        {"meterbox_pending_usage_rows", "5"},
        {"meterbox_journal_ok", "1"},
        {"meterbox_journals_set_aside", "0"},
        {"meterbox_journal_rows", "11"},
        {"meterbox_journal_size_bytes", "12345"},
        {"meterbox_journal_budget_bytes", "1073741824"},
        {"meterbox_journal_oldest_timestamp_seconds", "1699000000.000"},
        {"meterbox_commits_total", "27"},
        {"meterbox_commit_failures_total", "28"},
        {"meterbox_clock_trusted", "1"},
        {"meterbox_clock_offset_seconds", "-1.000"},
        {"meterbox_sessions_active", "6"},
        {"meterbox_reports_total", "21"},
        {"meterbox_requests_refused_total", "22"},
        {"meterbox_events_total", "23"},
        {"meterbox_event_duplicates_total", "24"},
        {"meterbox_resource_state{resource=\"render\",state=\"unknown\"}", "0"},
        {"meterbox_resource_state{resource=\"render\",state=\"ended\"}", "0"},
        {"meterbox_resource_state{resource=\"render\",state=\"exhausted\"}", "0"},
        {"meterbox_resource_state{resource=\"render\",state=\"low\"}", "1"},
        {"meterbox_resource_state{resource=\"render\",state=\"ok\"}", "0"},
        {"meterbox_resource_available_units{resource=\"render\"}", "30"},
        {"meterbox_resource_purchased_units{resource=\"render\"}", "150"},
        {"meterbox_resource_leased_units{resource=\"render\"}", "7"},
        {"meterbox_resource_charged_units{resource=\"render\"}", "120"},
        {"meterbox_resource_overage_units{resource=\"render\"}", "2"},
        {"meterbox_resource_remainder_seconds{resource=\"render\"}", "754.321"},
        {"meterbox_resource_as_of_timestamp_seconds{resource=\"render\"}", "1700000000.500"},
    };
    CHECK(samples_of(tests::enrolled_status()) == expected);
}

TEST_CASE("a time that isn't known has no sample, a count of nothing is 0") {
    const std::map<std::string, std::string> samples = samples_of({});
    for (const char* name :
         {"meterbox_last_sync_timestamp_seconds", "meterbox_clock_offset_seconds",
          "meterbox_certificate_expiry_timestamp_seconds", "meterbox_journal_oldest_timestamp_seconds"})
        CHECK(samples.count(name) == 0);
    CHECK(samples.at("meterbox_enrolled") == "0");
    CHECK(samples.at("meterbox_account_reachable") == "0");
    CHECK(samples.at("meterbox_clock_trusted") == "0");
    CHECK(samples.at("meterbox_pending_units") == "0");
}

TEST_CASE("the remainder of a count is a count") {
    agent::StatusSnapshot status;
    status.cards = {tests::card_of("calls")};
    status.cards[0].measure = core::Measure::count;
    status.cards[0].state = core::BalanceState::unknown;
    const std::map<std::string, std::string> samples = samples_of(status);
    CHECK(samples.at("meterbox_resource_remainder_quantity{resource=\"calls\"}") == "754321");
    CHECK(samples.count("meterbox_resource_remainder_seconds{resource=\"calls\"}") == 0);
    CHECK(samples.count("meterbox_resource_as_of_timestamp_seconds{resource=\"calls\"}") == 0);
}

TEST_CASE("each metric says what it is before its samples, and all its samples are together") {
    agent::StatusSnapshot status = tests::enrolled_status();
    status.cards.push_back(tests::card_of("info360"));
    const std::regex help{"# HELP (meterbox_[a-z0-9_]+) \\S.*"};
    const std::regex type{"# TYPE (meterbox_[a-z0-9_]+) (gauge|counter)"};
    const std::regex sample{
        "(meterbox_[a-z0-9_]+)(\\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\\})? "
        "-?[0-9]+(\\.[0-9]{3})?"};
    const std::string text = agent::metrics_text(status);
    REQUIRE(text.ends_with('\n'));
    std::string helped;
    std::string typed;
    std::set<std::string> seen;
    for (const std::string& line : lines_of(text)) {
        std::smatch match;
        if (std::regex_match(line, match, help)) {
            helped = match[1];
            CHECK(seen.insert(helped).second);
        } else if (std::regex_match(line, match, type)) {
            typed = match[1];
            CHECK(typed == helped);
            CHECK((match[2] == "counter") == typed.ends_with("_total"));
        } else {
            REQUIRE(std::regex_match(line, match, sample));
            CHECK(match[1] == typed);
        }
    }
    CHECK(seen.size() == agent::metric_table().size());
}

TEST_CASE("docs/METRICS.md lists the metrics that there are, in their words") {
    std::ifstream file{METERBOX_METRICS_DOC};
    REQUIRE(file);
    std::vector<std::string> documented;
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("| `meterbox_")) documented.push_back(line);
    std::vector<std::string> expected;
    for (const agent::MetricTraits& metric : agent::metric_table()) {
        std::string labels{metric.labels};
        if (const std::size_t comma = labels.find(','); comma != labels.npos)
            labels.replace(comma, 1, "`, `");
        if (!labels.empty()) labels = "`" + labels + "`";
        expected.push_back("| `" + std::string(metric.name) + "` | " + std::string(metric.type) + " | " +
                           labels + " | " + std::string(metric.help) + " |");
    }
    CHECK(documented == expected);
}

TEST_CASE("milliseconds are written as seconds, exactly") {
    CHECK(seconds(0) == "x 0.000\n");
    CHECK(seconds(1) == "x 0.001\n");
    CHECK(seconds(999) == "x 0.999\n");
    CHECK(seconds(1'000) == "x 1.000\n");
    CHECK(seconds(-1) == "x -0.001\n");
    CHECK(seconds(-1'500) == "x -1.500\n");
    CHECK(seconds(std::numeric_limits<std::int64_t>::min()) == "x -9223372036854775.808\n");
    CHECK(seconds(std::numeric_limits<std::int64_t>::max()) == "x 9223372036854775.807\n");
}

TEST_CASE("a label can't break out of its quotes") {
    CHECK(core::metric_label("version", "1\"\\\n2") == "version=\"1\\\"\\\\\\n2\"");
}
