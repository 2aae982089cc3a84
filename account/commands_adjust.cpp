// adjust: charged units given back, with a reason.
#include <boost/json.hpp>
#include <charconv>

#include "account/adjustment.hpp"
#include "account/billing.hpp"
#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

namespace {

// "-3" is 3 units to give back. none: not such a number, or none that anybody has.
std::optional<core::Units> given_back_from(const std::string& text) {
    std::int64_t units = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, units);
    if (error != std::errc{} || stop != end || units >= 0 || units < -core::limits::units_max)
        return std::nullopt;
    return core::Units{-units};
}

bool is_reason(const std::string& text) {
    return !text.empty() && text.size() <= core::limits::adjustment_reason_bytes_max && core::is_line(text);
}

// none: there are as many.
std::optional<Outcome> too_many(Database& database, const AdjustOptions& options, core::Units units) {
    const core::Units charged = adjustable(database, options.team, options.resource);
    if (units <= charged) return std::nullopt;
    const std::string there = std::to_string(charged.value());
    return failed("team " + options.team + " has " + there + " units of " + options.resource +
                  " charged that can be given back, not " + std::to_string(units.value()) +
                  (charged.value() > 0
                       ? ": give --units -" + there + " at most"
                       : ": `meterbox-account balance " + options.team + "` shows what is charged of which"));
}

}  // namespace

Outcome adjust(Store& store, const AdjustOptions& options, bool json) {
    Database& database = store.database();
    const auto units = given_back_from(options.units);
    if (!units) {
        return wrong_usage("--units " + options.units +
                           ": how many units to give back, with a minus: -1 to -2^40");
    }
    if (!is_reason(options.reason)) return wrong_usage("--reason: 1 to 256 bytes of text in one line");
    if (!team_exists(store, options.team)) return no_such_team(options.team);
    if (!find_resource(database, options.resource)) return no_such_resource(options.resource);
    // Before anything is written: closing a cycle moves charges to other tranches, and makes none.
    if (const auto problem = too_many(database, options, *units)) return *problem;
    const auto closed =
        close_due_cycles(database, options.team, store.settings().invoice_final_after_ms, store.now());
    if (!closed) return from_error(closed.error());
    Ledger ledger(database, store.now());
    Pool pool(database, options.team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return from_error(begun.error());
    pool.expire_ended(ledger);
    if (const auto problem = too_many(database, options, *units)) return *problem;
    const auto given = give_back(database, ledger, pool, options.resource, *units, options.reason);

    std::string text;
    boost::json::array list;
    for (const GivenBack& part : given) {
        const std::string tier(core::name_of(part.tier));
        text += std::to_string(part.units.value()) + " units given back to " + tier + ", tranche " +
                tranche_name(part.tranche) + "\n";
        list.push_back(
            {{"tranche", tranche_name(part.tranche)}, {"tier", tier}, {"units", -part.units.value()}});
    }
    if (!json) return {exit_done, text, {}};
    const boost::json::object object{{"team", options.team},
                                     {"resource", options.resource},
                                     {"units", -units->value()},
                                     {"reason", options.reason},
                                     {"tranches", list}};
    return {exit_done, boost::json::serialize(object) + "\n", {}};
}

}  // namespace meterbox::account
