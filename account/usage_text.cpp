// A usage report as JSON and as CSV.
#include <boost/json.hpp>

#include "account/usage_report.hpp"

namespace meterbox::account {

namespace {

std::string csv_field(const std::string& text) {
    std::string field = text;
    if (!field.empty() && std::string_view("=+-@\t\r").find(field[0]) != std::string_view::npos)
        field.insert(field.begin(), '\'');
    if (field.find_first_of("\",\r\n") == std::string::npos) return field;
    std::string quoted = "\"";
    for (const char c : field) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}

}  // namespace

boost::json::object usage_to_json(const std::string& team, core::UtcTime as_of,
                                  const std::vector<UsageRow>& rows) {
    boost::json::array list;
    for (const UsageRow& row : rows) {
        list.push_back({{"from", core::format_rfc3339(row.from)},
                        {"resource", row.resource},
                        {"agent", row.agent},
                        {"subject", row.subject},
                        {"usage", row.usage.value()},
                        {"units", row.units.value()}});
    }
    boost::json::object json{{"team", team}, {"as_of", core::format_rfc3339(as_of)}};
    json["rows"] = std::move(list);
    return json;
}

std::string usage_to_csv(const std::vector<UsageRow>& rows) {
    std::string text = "from,resource,agent,subject,usage,units\r\n";
    for (const UsageRow& row : rows) {
        text += core::format_rfc3339(row.from) + "," + csv_field(row.resource) + "," + csv_field(row.agent) +
                "," + csv_field(row.subject) + "," + std::to_string(row.usage.value()) + "," +
                std::to_string(row.units.value()) + "\r\n";
    }
    return text;
}

}  // namespace meterbox::account
