// grant add, list. A grant of this version has one tranche, from its start to its end.
#include <boost/json.hpp>

#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "account/ledger.hpp"
#include "account/table.hpp"

namespace meterbox::account {

namespace {

struct Span {
    core::UtcTime starts_at;
    std::optional<core::UtcTime> ends_at;
};

struct TeamBilling {
    std::string zone;
    std::optional<std::string> currency;  // both set by the first payg grant
    std::optional<std::string> payg_zone;
};

std::optional<TeamBilling> billing_of(Database& database, const std::string& team) {
    return database.first(
        "SELECT zone, currency, (SELECT zone FROM grant_ WHERE team = team.key AND tier = 'payg' ORDER BY id "
        "LIMIT 1) FROM team WHERE key = ?",
        [](auto& row) {
            TeamBilling billing{row.string(0), std::nullopt, std::nullopt};
            if (!row.is_null(1)) billing.currency = row.string(1);
            if (!row.is_null(2)) billing.payg_zone = row.string(2);
            return billing;
        },
        team);
}

// A team has one billing zone and currency.
std::optional<Outcome> wrong_billing(const GrantOptions& options, const TeamBilling& team, const Price& price,
                                     const std::string& zone) {
    if (team.currency && *team.currency != price.currency) {
        return failed("team " + options.team + " is billed in " + *team.currency + ", but the price of " +
                      options.resource + " is in " + price.currency);
    }
    if (team.payg_zone && *team.payg_zone != zone) {
        return failed("team " + options.team + " is billed in zone " + *team.payg_zone + ", not in " + zone);
    }
    return std::nullopt;
}

std::optional<Outcome> wrong_size(const GrantOptions& options, core::Tier tier) {
    const auto in_range = [](std::int64_t units) { return units >= 1 && units <= core::limits::units_max; };
    if (tier == core::Tier::payg) {
        if (options.amount) return wrong_usage("a payg grant takes --cap in place of --amount, or neither");
        if (options.cap && !in_range(*options.cap)) return wrong_usage("--cap: 1 to 2^40 units");
        return std::nullopt;
    }
    if (options.cap) return wrong_usage("--cap is for --tier payg: give --amount");
    if (!options.amount) return wrong_usage("--amount is missing: how many units");
    if (!in_range(*options.amount)) return wrong_usage("--amount: 1 to 2^40 units");
    return std::nullopt;
}

core::Result<Span> span_of(const GrantOptions& options, const std::string& zone, core::UtcTime now) {
    const auto wrong = [&](const std::string& what) {
        return core::Error{
            core::ErrorCode::invalid,
            what + ": a time like 2026-07-15T00:00:00Z is needed" +
                (zone == "UTC" ? ", or a date"
                               : " (a date in zone " + zone + " is not available in this version)"),
            std::nullopt,
            {}};
    };
    Span span{now, std::nullopt};
    if (!options.starts.empty()) {
        const auto starts = parse_time(options.starts, zone);
        if (!starts) return wrong("--starts " + options.starts);
        span.starts_at = *starts;
    }
    if (!options.ends.empty()) {
        span.ends_at = parse_time(options.ends, zone);
        if (!span.ends_at) return wrong("--ends " + options.ends);
        if (*span.ends_at <= span.starts_at) {
            return core::Error{core::ErrorCode::invalid, "--ends must be after --starts", std::nullopt, {}};
        }
    }
    return span;
}

std::int64_t insert(Store& store, const GrantOptions& options, core::Tier tier, const Span& span,
                    const std::string& zone, const std::optional<Price>& price) {
    Database& database = store.database();
    const auto amount = tier == core::Tier::payg ? options.cap : options.amount;
    database.run(
        "INSERT INTO grant_ (team, resource, tier, amount, starts_at, ends_at, zone, price, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        options.team, options.resource, core::name_of(tier), amount, span.starts_at, span.ends_at, zone,
        price ? std::optional(price->minor_units) : std::nullopt, store.now());
    const std::int64_t id = database.last_insert_id();

    Tranche tranche;
    tranche.team = options.team;
    tranche.resource = options.resource;
    tranche.tier = tier;
    if (amount) tranche.purchased = core::Units{*amount};
    database.run(
        "INSERT INTO tranche (grant_id, team, resource, tier, purchased, available, charged, in_doubt, "
        "expired, leased, starts_at, ends_at, ended) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, 0)",
        id, tranche.team, tranche.resource, core::name_of(tier), tranche.purchased, amount.value_or(0),
        span.starts_at, span.ends_at);
    tranche.id = database.last_insert_id();
    Ledger(database, store.now()).purchase(tranche);
    return id;
}

std::string state_of(const Span& span, core::UtcTime now) {
    if (now < span.starts_at) return "scheduled";
    return span.ends_at && now >= *span.ends_at ? "ended" : "active";
}

}  // namespace

Outcome grant_add(Store& store, const GrantOptions& options, bool json) {
    Database& database = store.database();
    const auto tier = core::tier_from(options.tier);
    if (!tier) return wrong_usage("--tier " + options.tier + ": free, token_flex, flex or payg");
    if (*tier != core::Tier::free && *tier != core::Tier::payg)
        return not_available("--tier " + options.tier);
    if (options.resource.empty()) return wrong_usage("--resource is missing");
    if (const auto problem = wrong_size(options, *tier)) return *problem;
    if (!options.zone.empty() && !is_zone(options.zone)) {
        return wrong_usage("--zone " + options.zone + ": not an IANA time zone like Europe/Paris or UTC");
    }

    const auto team = billing_of(database, options.team);
    if (!team) return no_such_team(options.team);
    const auto entry = find_resource(database, options.resource);
    if (!entry) {
        return failed("no resource " + options.resource + ": make it with `meterbox-account resource add " +
                      options.resource + "`");
    }
    const std::string zone = options.zone.empty() ? team->zone : options.zone;
    const auto span = span_of(options, zone, store.now());
    if (!span) return wrong_usage(span.error().detail);

    std::optional<Price> price;
    if (*tier == core::Tier::payg) {
        price = entry->price;
        if (!price) {
            return failed("resource " + options.resource +
                          " has no price, which payg needs: `meterbox-account "
                          "resource set " +
                          options.resource + " --price MINOR --currency EUR`");
        }
        if (const auto problem = wrong_billing(options, *team, *price, zone)) return *problem;
        database.run("UPDATE team SET currency = ? WHERE key = ?", price->currency, options.team);
    }
    const std::string id = "g" + std::to_string(insert(store, options, *tier, *span, zone, price));
    if (!json) return {exit_done, id + "\n", {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", id}}) + "\n", {}};
}

Outcome grant_list(Store& store, const std::string& team, bool json) {
    if (!team_exists(store, team)) return no_such_team(team);
    Table table({"GRANT", "TIER", "RESOURCE", "AMOUNT", "STARTS", "ENDS", "STATE"});
    boost::json::array list;
    store.database().each(
        "SELECT id, tier, coalesce(resource, ''), amount, starts_at, ends_at FROM grant_ WHERE team = ? "
        "ORDER BY id",
        [&](auto& row) {
            const std::string id = "g" + std::to_string(row.integer(0));
            Span span{{row.integer(4)}, std::nullopt};
            if (!row.is_null(5)) span.ends_at = core::UtcTime{row.integer(5)};
            const std::string state = state_of(span, store.now());
            const std::string starts = core::format_rfc3339(span.starts_at);
            const std::string ends = span.ends_at ? core::format_rfc3339(*span.ends_at) : "";
            const auto amount = row.optional_integer(3);
            table.add({id, row.string(1), row.string(2), amount ? std::to_string(*amount) : "no limit",
                       starts, ends.empty() ? "-" : ends, state});
            boost::json::object grant{
                {"id", id},           {"tier", row.string(1)}, {"resource", row.string(2)},
                {"amount", nullptr},  {"tokens", nullptr},     {"starts_at", starts},
                {"ends_at", nullptr}, {"state", state}};
            if (amount) grant["amount"] = *amount;
            if (!ends.empty()) grant["ends_at"] = ends;
            list.push_back(std::move(grant));
        },
        team);
    if (!json) return {exit_done, table.text(), {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"grants", list}}) + "\n", {}};
}

}  // namespace meterbox::account
