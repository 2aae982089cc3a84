// Why a session is refused, in words, with what will cure it (docs/API.md, 402).
#include <utility>

#include "agent/sessions.hpp"

namespace meterbox::agent {

namespace {

// Of a returnable resource nothing is used up: it is held, and comes back. free: here and at the account.
std::string words_for_held(const std::string& resource, const core::Supply& supply, core::Units free,
                           bool answer_awaited) {
    const bool team_has_some = supply.team && supply.team->available_units > core::Units{};
    if (!supply.reachable && team_has_some)
        return "what this agent holds of " + resource +
               " is in use and the account is out of reach; the next sync cures it";
    if (answer_awaited)
        return "what this agent holds of " + resource +
               " is in use and the account has not answered yet; its next answer may cure it";
    const std::string total =
        supply.team ? std::to_string(supply.team->purchased_units.value()) + " of " : "";
    constexpr const char* cure = "; the end of a session that holds some cures it, or a new grant";
    if (free > core::Units{})
        return "fewer are free than were asked for: " + std::to_string(free.value()) + " of the " + total +
               resource + cure;
    return "all " + total + resource + " are held" + cure;
}

std::string words(const std::string& resource, std::string_view reason, const core::Supply& supply,
                  const AgentTime& time) {
    if (reason == "ended")
        return "no grant for " + resource + " is valid now; one that begins, or a new one, cures it";
    if (reason == "stale")
        return "the lease for " + resource + " may be spent until " +
               core::format_rfc3339(*supply.spend_until) + "; a sync with the account cures it";
    if (reason == "suspect")
        return "this agent's journal isn't what it was, so that nothing of " + resource +
               " is spent before the account has looked at it; a sync with the account cures it";
    if (reason == "clock")
        return "by this machine's clock, " + core::format_rfc3339(time.wall()) + ", nothing of " + resource +
               " is valid, but the clock isn't trusted; a sync with the account cures it, or the right time";
    const bool team_has_some = supply.team && supply.team->available_units > core::Units{};
    if (!supply.reachable && team_has_some)
        return "what this agent holds of " + resource +
               " is used up and the account is out of reach; the next sync cures it";
    if (!supply.nothing_to_be_had())
        return "what this agent holds of " + resource +
               " is used up and the account has not answered yet; its next answer may cure it";
    return "the balance of " + resource + " is used up; a new grant or a refresh cures it";
}

}  // namespace

core::Error Sessions::refusal(const std::string& resource) const {
    const Balance& balance = *balances_.find(resource);
    const core::Standing now = standing(resource);
    if (!balance.supply.reachable && !balances_.storage_error().empty())
        return {
            core::ErrorCode::storage,
            "what this agent holds of " + resource +
                " is used up, and what the account answered can't be stored: " + balances_.storage_error(),
            {},
            {}};
    if (!balances_.turned_away().empty())
        return {core::ErrorCode::exhausted,
                "this agent gets nothing more of " + resource +
                    " until this is cured: " + balances_.turned_away(),
                {},
                {}};
    const bool used_up = now.reason.empty() || now.reason == "exhausted";
    if (used_up && balance.supply.reachable && balances_.account_learns())
        return {core::ErrorCode::exhausted,
                "what this agent holds of " + resource +
                    " is used up or in use, and the account was put back from a copy: it gives nothing more "
                    "before it has heard all of the team's agents; that cures it, or giving up those that "
                    "are gone (meterbox-account agent write-off)",
                {},
                {}};
    const bool held = is_returnable(resource) && used_up;
    std::string why = held
                          ? words_for_held(resource, balance.supply, now.available_units, is_account_silent())
                          : words(resource, now.reason, balance.supply, time_);
    core::Error refused{core::ErrorCode::exhausted, std::move(why), {}, {}};
    const std::optional<core::Card>& team = balance.supply.team;
    if (team && team->refreshes_at)
        refused.detail += "; it refreshes at " + core::format_rfc3339(*team->refreshes_at);
    return refused;
}

}  // namespace meterbox::agent
