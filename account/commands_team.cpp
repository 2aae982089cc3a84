// team add, set, list, show.
#include <boost/json.hpp>

#include "account/commands.hpp"
#include "account/doubt.hpp"
#include "account/table.hpp"
#include "core/limits.hpp"
#include "core/resource.hpp"
#include "platform/zones/time_zone.hpp"

namespace meterbox::account {

namespace {

constexpr std::string_view never = "never";
constexpr std::int64_t lost_after_min_ms = core::hour_ms;

struct Team {
    std::string key;
    std::string name;
    std::string zone;
    core::UtcTime created_at;
    std::string lost;
    std::optional<std::int64_t> lost_after_ms;
};

Team team_of(platform::sql::Row& row) {
    return {row.string(0),    row.string(1), row.string(2),
            {row.integer(3)}, row.string(4), row.optional_integer(5)};
}

std::optional<Team> find_team(Store& store, const std::string& key) {
    return store.database().first(
        "SELECT key, name, zone, created_at, lost, lost_after_ms FROM team WHERE key = ?", team_of, key);
}

boost::json::object to_json(const Team& team) {
    return {{"team", team.key},
            {"name", team.name},
            {"zone", team.zone},
            {"created_at", core::format_rfc3339(team.created_at)},
            {"lost", team.lost},
            {"lost_after_s", team.lost_after_ms ? boost::json::value(*team.lost_after_ms / core::second_ms)
                                                : boost::json::value(nullptr)}};
}

std::optional<Outcome> problem_of(const TeamOptions& options) {
    if (!core::is_key(options.team)) {
        return wrong_key("TEAM", options.team);
    }
    if (options.zone) {
        const auto zone = platform::zones::TimeZone::find(*options.zone);
        if (!zone) return wrong_usage("--zone: " + zone.error().detail);
    }
    if (options.lost && !lost_policy_from(*options.lost)) {
        return wrong_usage("--lost " + *options.lost + ": hold, count or release");
    }
    if (options.lost_after && *options.lost_after != never) {
        const auto after = core::parse_short_duration_ms(*options.lost_after);
        if (!after || *after < lost_after_min_ms || *after > core::limits::keep_max_ms)
            return wrong_usage("--lost-after " + *options.lost_after +
                               ": a duration like 30d, at least 1h, or never");
    }
    if (options.name && !is_name(*options.name)) return wrong_name();
    return std::nullopt;
}

}  // namespace

Outcome team_add(Store& store, const TeamOptions& options, bool json) {
    if (const auto problem = problem_of(options)) return *problem;
    if (team_exists(store, options.team)) return failed("team " + options.team + " is there already");
    store.database().run("INSERT INTO team (key, name, zone, created_at) VALUES (?, ?, ?, ?)", options.team,
                         options.name.value_or(options.team), options.zone.value_or("UTC"), store.now());
    if (!json) return {exit_done, options.team + "\n", {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", options.team}}) + "\n", {}};
}

Outcome team_set(Store& store, const TeamOptions& options, bool json) {
    if (const auto problem = problem_of(options)) return *problem;
    if (!options.name && !options.zone && !options.lost && !options.lost_after)
        return wrong_usage("nothing to set: give --name, --zone, --lost or --lost-after");
    auto team = find_team(store, options.team);
    if (!team) return no_such_team(options.team);
    team->name = options.name.value_or(team->name);
    team->zone = options.zone.value_or(team->zone);
    team->lost = options.lost.value_or(team->lost);
    if (options.lost_after) {
        team->lost_after_ms.reset();
        if (*options.lost_after != never)
            team->lost_after_ms = core::parse_short_duration_ms(*options.lost_after);
    }
    store.database().run("UPDATE team SET name = ?, zone = ?, lost = ?, lost_after_ms = ? WHERE key = ?",
                         team->name, team->zone, team->lost, team->lost_after_ms, team->key);
    return {exit_done, json ? boost::json::serialize(to_json(*team)) + "\n" : "", {}};
}

boost::json::object teams_json(Store& store, const std::optional<std::string>& team) {
    boost::json::array list;
    store.database().each(
        "SELECT key, name, zone, created_at, lost, lost_after_ms FROM team WHERE key = coalesce(?, key) "
        "ORDER "
        "BY key",
        [&](auto& row) { list.push_back(to_json(team_of(row))); }, team);
    return {{"teams", std::move(list)}};
}

Outcome team_list(Store& store, bool json) {
    if (json) return {exit_done, boost::json::serialize(teams_json(store, std::nullopt)) + "\n", {}};
    std::vector<Team> teams;
    store.database().each("SELECT key, name, zone, created_at, lost, lost_after_ms FROM team ORDER BY key",
                          [&](auto& row) { teams.push_back(team_of(row)); });
    Table table({"TEAM", "NAME", "ZONE"});
    for (const Team& team : teams) table.add({team.key, team.name, team.zone});
    return {exit_done, table.text(), {}};
}

Outcome team_show(Store& store, const std::string& key, bool json) {
    const auto team = find_team(store, key);
    if (!team) return no_such_team(key);
    if (json) return {exit_done, boost::json::serialize(to_json(*team)) + "\n", {}};
    return {exit_done,
            "team  " + team->key + "\nname  " + team->name + "\nzone  " + team->zone + "\nsince " +
                core::format_rfc3339(team->created_at) + "\n",
            {}};
}

}  // namespace meterbox::account
