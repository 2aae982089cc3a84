// grant add: one grant, checked against everything that the team has before any of it is written.
#include <boost/json.hpp>

#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "account/custody.hpp"
#include "account/cycles.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "platform/zones/time_zone.hpp"

namespace meterbox::account {

namespace {

using platform::zones::TimeZone;

struct TeamBilling {
    std::string zone;
    std::optional<std::string> currency;  // all of these are set by the first payg grant
    std::optional<std::string> payg_zone;
    std::optional<std::string> payg_anchor;
};

std::optional<TeamBilling> billing_of(Database& database, const std::string& team) {
    return database.first(
        "SELECT team.zone, currency, first.zone, first.anchor FROM team LEFT JOIN grant_ AS first ON "
        "first.id "
        "= (SELECT min(id) FROM grant_ WHERE team = team.key AND tier = 'payg') WHERE key = ?",
        [](auto& row) {
            TeamBilling billing{row.string(0), std::nullopt, std::nullopt, std::nullopt};
            if (!row.is_null(1)) billing.currency = row.string(1);
            if (!row.is_null(2)) billing.payg_zone = row.string(2);
            if (!row.is_null(3)) billing.payg_anchor = row.string(3);
            return billing;
        },
        team);
}

bool in_range(std::int64_t units) {
    return units >= 1 && units <= core::limits::units_max;
}

std::optional<Outcome> wrong_tokens(const GrantOptions& options, core::Tier tier) {
    if (tier != core::Tier::flex && tier != core::Tier::token_flex)
        return wrong_usage("--tokens is for --tier token_flex or flex: give --amount");
    if (*options.tokens < 1 || *options.tokens > core::limits::tokens_max)
        return wrong_usage("--tokens: 1 to 2^50");
    if (!options.resource.empty())
        return wrong_usage("--resource: tokens are for all resources of the team, leave it out");
    if (options.amount || options.cap) return wrong_usage("--tokens stands in place of --amount and --cap");
    if (!options.refresh.empty() || !options.anchor.empty())
        return wrong_usage("tokens don't refresh: --refresh and --anchor are for units");
    return std::nullopt;
}

// Whether what was given fits the tier, whatever else there is.
std::optional<Outcome> wrong_options(const GrantOptions& options, core::Tier tier) {
    if (!options.refresh.empty() && options.refresh != "cycle")
        return wrong_usage("--refresh " + options.refresh + ": cycle");
    if (options.tokens) return wrong_tokens(options, tier);
    if (tier == core::Tier::token_flex) return wrong_usage("--tokens is missing: how many tokens");
    if (options.resource.empty()) {
        return wrong_usage(tier == core::Tier::flex ? "--resource with --amount, or --tokens is missing"
                                                    : "--resource is missing");
    }
    if (tier == core::Tier::payg) {
        if (options.amount) return wrong_usage("a payg grant takes --cap in place of --amount, or neither");
        if (options.cap && !in_range(*options.cap)) return wrong_usage("--cap: 1 to 2^40 units");
    } else {
        if (options.cap) return wrong_usage("--cap is for --tier payg: give --amount");
        if (!options.amount) return wrong_usage("--amount is missing: how many units");
        if (!in_range(*options.amount)) return wrong_usage("--amount: 1 to 2^40 units");
        if (!options.anchor.empty() && options.refresh.empty())
            return wrong_usage("--anchor is of cycles: give --refresh cycle too");
    }
    if (!options.anchor.empty() && !core::parse_date(options.anchor))
        return wrong_usage("--anchor " + options.anchor + ": a date like 2026-07-15 is needed");
    return std::nullopt;
}

std::optional<Outcome> set_span(GrantTerms& grant, const GrantOptions& options) {
    const auto wrong = [](const char* option, const std::string& text) {
        return wrong_usage(std::string(option) + " " + text +
                           ": a date, or a time like 2026-07-15T00:00:00Z, is needed, before the year " +
                           std::to_string(core::limits::grant_year_max));
    };
    const core::UtcTime last{std::chrono::sys_days{std::chrono::year{core::limits::grant_year_max} / 1 / 1}
                                 .time_since_epoch()
                                 .count() *
                             core::day_ms};
    if (!options.starts.empty()) {
        const auto starts = parse_time(options.starts, grant.zone);
        if (!starts || *starts >= last) return wrong("--starts", options.starts);
        grant.starts_at = *starts;
    }
    if (options.ends.empty()) return std::nullopt;
    grant.ends_at = parse_time(options.ends, grant.zone);
    if (!grant.ends_at || *grant.ends_at >= last) return wrong("--ends", options.ends);
    if (*grant.ends_at <= grant.starts_at) {
        return wrong_usage(
            "--ends must be after --starts, which is now where it isn't given: give a later time");
    }
    return std::nullopt;
}

// A team has one billing anchor, zone and currency. What isn't given is the team's.
std::optional<Outcome> join_billing(GrantTerms& grant, const GrantOptions& options, const TeamBilling& team,
                                    const CatalogueEntry& entry) {
    if (!entry.price) {
        return failed("resource " + options.resource +
                      " has no price, which payg needs: `meterbox-account resource set " + options.resource +
                      " --price MINOR --currency EUR`");
    }
    if (team.currency && *team.currency != entry.price->currency) {
        return failed("team " + options.team + " is billed in " + *team.currency + ", but the price of " +
                      options.resource + " is in " + entry.price->currency);
    }
    if (!team.payg_anchor) return std::nullopt;
    if (*team.payg_zone != grant.zone) {
        return failed("team " + options.team + " is billed in zone " + *team.payg_zone + ", not in " +
                      grant.zone);
    }
    const auto day = [](const std::string& date) { return core::parse_date(date)->day(); };
    if (!options.anchor.empty() && day(options.anchor) != day(*team.payg_anchor)) {
        return failed("team " + options.team + " is billed from day " + team.payg_anchor->substr(8) +
                      " of a month on, not from " + options.anchor);
    }
    grant.anchor = *team.payg_anchor;
    return std::nullopt;
}

std::int64_t insert(Store& store, const GrantTerms& grant, const GrantOptions& options,
                    const std::optional<Price>& price) {
    Database& database = store.database();
    const auto text = [](const std::string& value) {
        return value.empty() ? std::nullopt : std::optional(value);
    };
    return database.number(
        "INSERT INTO grant_ (team, resource, tier, amount, tokens, starts_at, ends_at, zone, anchor, price, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        grant.team, text(grant.resource), grant.tier, options.tokens ? std::nullopt : grant.amount,
        options.tokens, grant.starts_at, grant.ends_at, grant.zone, text(grant.anchor),
        price ? std::optional(price->minor_units) : std::nullopt, store.now());
}

}  // namespace

Outcome grant_add(Store& store, const GrantOptions& options, bool json) {
    Database& database = store.database();
    const auto tier = core::tier_from(options.tier);
    if (!tier) return wrong_usage("--tier " + options.tier + ": free, token_flex, flex or payg");
    if (const auto problem = wrong_options(options, *tier)) return *problem;
    const bool payg = *tier == core::Tier::payg;

    const auto team = billing_of(database, options.team);
    if (!team) return no_such_team(options.team);
    std::optional<CatalogueEntry> entry;
    if (!options.tokens) {
        entry = find_resource(database, options.resource);
        if (!entry && !core::is_key(options.resource)) return wrong_key("--resource", options.resource);
        if (!entry) {
            return failed("no resource " + options.resource +
                          ": make it with `meterbox-account resource add " + options.resource + "`");
        }
        const bool units_alone = !payg && options.refresh.empty();
        if (entry->resource.kind == core::Kind::returnable && !units_alone)
            return wrong_usage(
                "returnable " + options.resource + " takes --tier free or flex with --amount" +
                (options.refresh.empty() ? "" : ", and no --refresh: it comes back by itself"));
    }

    GrantTerms grant{0,  options.team, options.resource, std::string(core::name_of(*tier)),
                     {}, store.now(),  std::nullopt,     options.zone,
                     {}};
    grant.amount = options.tokens ? options.tokens : payg ? options.cap : options.amount;
    if (grant.zone.empty()) grant.zone = payg && team->payg_zone ? *team->payg_zone : team->zone;
    const auto zone = TimeZone::find(grant.zone);
    if (!zone) return wrong_usage("--zone: " + zone.error().detail);
    if (const auto problem = set_span(grant, options)) return *problem;
    if (payg || !options.refresh.empty()) {
        grant.anchor =
            options.anchor.empty() ? core::format_date(zone->date_of(grant.starts_at)) : options.anchor;
    }
    // Its other grants' cycles first: what keeps one of these from beginning must leave nothing of this one.
    Ledger ledger(database, store.now());
    if (const auto begun = Pool(database, options.team).begin_cycles(ledger); !begun)
        return from_error(begun.error());
    if (payg) {
        if (const auto problem = join_billing(grant, options, *team, *entry)) return *problem;
        database.run("UPDATE team SET currency = ?, open_until = coalesce(open_until, 0) WHERE key = ?",
                     entry->price->currency, options.team);
    }

    grant.id = insert(store, grant, options, payg ? entry->price : std::nullopt);
    if (grant.anchor.empty()) make_tranche(database, ledger, grant, grant.starts_at, grant.ends_at);
    Pool pool(database, options.team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return from_error(begun.error());
    Custody(database, ledger, pool).settle();
    const std::string id = grant_name(grant.id);
    if (!json) return {exit_done, id + "\n", {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", id}}) + "\n", {}};
}

}  // namespace meterbox::account
