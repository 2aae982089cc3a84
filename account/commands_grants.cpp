// grant list, grant end.
#include <boost/json.hpp>

#include "account/commands.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "account/table.hpp"

namespace meterbox::account {

namespace {

struct Listed {
    std::string id;
    std::string tier;
    std::string resource;
    std::optional<std::int64_t> amount;
    std::optional<std::int64_t> tokens;
    core::UtcTime starts_at;
    std::optional<core::UtcTime> ends_at;
    bool ended = false;  // before its time
    std::string zone;
    std::string anchor;
};

std::optional<core::UtcTime> time_in(platform::sql::Row& row, int column) {
    return row.is_null(column) ? std::nullopt : std::optional(core::UtcTime{row.integer(column)});
}

Listed listed_from(platform::sql::Row& row) {
    const auto ended_at = time_in(row, 7);
    return {grant_name(row.integer(0)),
            row.string(1),
            row.string(2),
            row.optional_integer(3),
            row.optional_integer(4),
            {row.integer(5)},
            ended_at ? ended_at : time_in(row, 6),
            ended_at.has_value(),
            row.string(8),
            row.string(9)};
}

std::string state_of(const Listed& grant, core::UtcTime now) {
    if (grant.ended || (grant.ends_at && now >= *grant.ends_at)) return "ended";
    return now < grant.starts_at ? "scheduled" : "active";
}

boost::json::object to_json(const Listed& grant, core::UtcTime now) {
    boost::json::object json{{"id", grant.id},      {"tier", grant.tier},
                             {"resource", nullptr}, {"amount", nullptr},
                             {"tokens", nullptr},   {"starts_at", core::format_rfc3339(grant.starts_at)},
                             {"ends_at", nullptr},  {"state", state_of(grant, now)},
                             {"refresh", nullptr},  {"anchor", nullptr},
                             {"zone", grant.zone}};
    if (!grant.resource.empty()) json["resource"] = grant.resource;
    if (grant.amount) json["amount"] = *grant.amount;
    if (grant.tokens) json["tokens"] = *grant.tokens;
    if (grant.ends_at) json["ends_at"] = core::format_rfc3339(*grant.ends_at);
    if (grant.anchor.empty()) return json;
    json["refresh"] = "cycle";
    json["anchor"] = grant.anchor;
    return json;
}

std::string size_text(const Listed& grant) {
    if (grant.tokens) return std::to_string(*grant.tokens) + " tokens";
    const std::string cycle = grant.anchor.empty() ? "" : " a cycle";
    return grant.amount ? std::to_string(*grant.amount) + cycle : "no limit";
}

std::optional<std::int64_t> grant_from(const std::string& name) {
    if (name.empty() || name[0] != 'g') return std::nullopt;
    return tranche_from("t" + name.substr(1));
}

}  // namespace

std::string grant_name(std::int64_t id) {
    return "g" + std::to_string(id);
}

Outcome grant_list(Store& store, const std::string& team, bool json) {
    if (!team_exists(store, team)) return no_such_team(team);
    Table table({"GRANT", "TIER", "RESOURCE", "AMOUNT", "STARTS", "ENDS", "STATE"});
    boost::json::array list;
    store.database().each(
        "SELECT id, tier, coalesce(resource, ''), amount, tokens, starts_at, ends_at, ended_at, zone, "
        "coalesce(anchor, '') FROM grant_ WHERE team = ? ORDER BY id",
        [&](auto& row) {
            const Listed grant = listed_from(row);
            table.add({grant.id, grant.tier, grant.resource.empty() ? "all" : grant.resource,
                       size_text(grant), core::format_rfc3339(grant.starts_at),
                       grant.ends_at ? core::format_rfc3339(*grant.ends_at) : "-",
                       state_of(grant, store.now())});
            list.push_back(to_json(grant, store.now()));
        },
        team);
    if (!json) return {exit_done, table.text() + as_of_line(store.now()), {}};
    const boost::json::object object{{"as_of", core::format_rfc3339(store.now())}, {"grants", list}};
    return {exit_done, boost::json::serialize(object) + "\n", {}};
}

Outcome grant_end(Store& store, const std::string& team, const std::string& name, bool json) {
    Database& database = store.database();
    if (!team_exists(store, team)) return no_such_team(team);
    const auto id = grant_from(name);
    if (!id) return wrong_usage("GRANT " + name + ": as `meterbox-account grant list` shows it, like g7");
    const auto over = database.first(
        "SELECT ended_at IS NOT NULL OR (ends_at IS NOT NULL AND ends_at <= ?) FROM grant_ WHERE id = ? AND "
        "team = ?",
        [](auto& row) { return row.integer(0) != 0; }, store.now(), *id, team);
    if (!over) {
        return failed("team " + team + " has no grant " + name + ": `meterbox-account grant list " + team +
                      "` shows those it has");
    }
    if (*over) return failed("grant " + name + " has ended already");

    Ledger ledger(database, store.now());
    Pool pool(database, team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return from_error(begun.error());
    pool.end_grant(ledger, *id);
    database.run("UPDATE grant_ SET ended_at = ? WHERE id = ?", store.now(), *id);
    if (!json) return {};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", name}}) + "\n", {}};
}

}  // namespace meterbox::account
