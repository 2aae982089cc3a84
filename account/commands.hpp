// The operator's commands as functions: options in, text and exit code out. The same code runs in the
// command's own process and, while the service runs, inside it; the caller gives it a transaction.
// Nothing is written before everything is checked. Parsing of arguments: command_line.hpp.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "account/store.hpp"

namespace meterbox::account {

// Exit codes of the contract.
enum ExitCode { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_unreachable = 3 };

struct Outcome {
    int exit = exit_done;
    std::string out;  // whole lines
    std::string err;  // one line, without its end
};

Outcome failed(std::string what);       // 1
Outcome wrong_usage(std::string what);  // 2
Outcome from_error(const core::Error& error);
Outcome wrong_key(std::string_view what, const std::string& key);  // that no team or resource can have

struct TeamOptions {
    std::string team;
    std::optional<std::string> name;
    std::optional<std::string> zone;
    std::optional<std::string> lost;
    std::optional<std::string> lost_after;  // a duration, or never
};
Outcome team_add(Store& store, const TeamOptions& options, bool json);
Outcome team_set(Store& store, const TeamOptions& options, bool json);
Outcome team_list(Store& store, bool json);
Outcome team_show(Store& store, const std::string& team, bool json);

struct ResourceOptions {
    std::string key;
    std::string kind;
    std::string measure;
    std::string unit;
    std::optional<std::string> name;
    std::optional<std::string> enforcement;
    std::optional<std::int64_t> rate_token_flex;
    std::optional<std::int64_t> rate_flex;
    std::optional<std::int64_t> price;
    std::optional<std::string> currency;
};
Outcome resource_add(Store& store, const ResourceOptions& options, bool json);
Outcome resource_set(Store& store, const ResourceOptions& options, bool json);
Outcome resource_list(Store& store, bool json);

struct GrantOptions {
    std::string team;
    std::string resource;
    std::string tier;
    std::optional<std::int64_t> amount;
    std::optional<std::int64_t> cap;
    std::optional<std::int64_t> tokens;
    std::string refresh;
    std::string anchor;
    std::string starts;
    std::string ends;
    std::string zone;
};
Outcome grant_add(Store& store, const GrantOptions& options, bool json);
std::string grant_name(std::int64_t id);  // "g7"
Outcome grant_list(Store& store, const std::string& team, bool json);
Outcome grant_end(Store& store, const std::string& team, const std::string& grant, bool json);

Outcome agent_token(Store& store, const std::string& team, const std::string& ttl, bool json);
Outcome agent_list(Store& store, const std::string& team, bool json);
Outcome agent_revoke(Store& store, const std::string& agent, bool json);
Outcome agent_write_off(Store& store, const std::string& agent, const std::string& as, bool json);
Outcome agent_allow(Store& store, const std::string& agent, bool json);

Outcome balance(Store& store, const std::string& team, bool json);
struct UsageOptions {
    std::string team;
    std::string from;
    std::string to;
    std::string by;
    std::string resource;  // empty: all
    std::string agent;     // the same
    bool csv = false;
};
Outcome usage(Store& store, const UsageOptions& options, bool json);
struct InvoiceOptions {
    std::string team;
    std::string cycle;
};
Outcome invoice(Store& store, const InvoiceOptions& options, bool json);
struct AdjustOptions {
    std::string team;
    std::string resource;
    std::string units;  // as it was written: a number below 0
    std::string reason;
};
Outcome adjust(Store& store, const AdjustOptions& options, bool json);
// A command that only reads and takes long, done piece by piece until it gives its outcome. `over` says that
// a piece is long enough; the store must not change in one.
using LongCommand = std::function<std::optional<Outcome>(Store&, const std::function<bool()>& over)>;
LongCommand audit_team(const std::string& team, bool json);

// A new key signs leases from now on, with the word of the one before; that one's count for the overlap.
Outcome lease_key_roll(Store& store, bool json);
Outcome lease_key_list(Store& store, bool json);

Outcome show_ca(Store& store, bool json);
Outcome admin_token(Store& store, const std::string& team, const std::string& ttl, bool json);

// What the admin port gives as well.
[[nodiscard]] core::Result<boost::json::object> invoices_json(Store& store, const std::string& team);
[[nodiscard]] core::Result<boost::json::object> cards_json(Store& store, const std::string& team);
boost::json::object teams_json(Store& store, const std::optional<std::string>& team);  // none: all
boost::json::object agents_json(Store& store, const std::string& team);

// For people, of a team or resource.
bool is_name(const std::string& text);
Outcome wrong_name();

// The last line of a text that shows what changes.
std::string as_of_line(core::UtcTime now);

bool team_exists(Store& store, const std::string& team);
Outcome no_such_team(const std::string& team);
Outcome no_such_resource(const std::string& key);

// RFC 3339, or a date: its first instant in the zone, which is known. none: neither.
std::optional<core::UtcTime> parse_time(const std::string& text, const std::string& zone);

}  // namespace meterbox::account
