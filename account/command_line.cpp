// Each command's options, one function a group.
#include "account/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <sstream>

#include "account/store_url.hpp"
#include "core/account_limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

namespace {

constexpr const char* default_store = "/var/lib/meterbox-account";

class Parser {
public:
    Parser() {
        app_.set_version_flag("--version", std::string("meterbox-account ") + METERBOX_VERSION);
        app_.fallthrough();
        app_.require_subcommand(1);
        app_.add_option("--store", line_.store,
                        "folder of the account's store, or postgresql://USER@HOST/DATABASE")
            ->envname("METERBOX_ACCOUNT_STORE")
            ->default_str(default_store);
        app_.add_flag("--json", json_, "print JSON");
        app_.add_option("--config", line_.sources.path, "settings, default /etc/meterbox/account.toml");
        app_.add_option("--set", line_.sources.sets, "SECTION.KEY=VALUE, one setting")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        add_serve();
        add_team();
        add_resource();
        add_grant();
        add_agent();
        add_reports();
        add_store_commands();
    }

    CommandLine parse(const std::vector<std::string>& arguments) {
        if ((line_.done = empty_after_equals(arguments))) return line_;
        try {
            app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        } catch (const CLI::ParseError& error) {
            line_.done = outcome_of(error);
            return line_;
        }
        if (line_.store.empty()) line_.store = default_store;
        line_.done = wrong_value(app_);
        if (!line_.done) line_.done = wrong_store(arguments);
        return line_;
    }

private:
    using Run = std::function<Outcome(Store&, bool)>;

    // The parser would take the next word for the value of `--ends=`.
    static std::optional<Outcome> empty_after_equals(const std::vector<std::string>& arguments) {
        for (const std::string& argument : arguments) {
            if (argument == "--") break;
            if (core::is_option_left_empty(argument))
                return wrong_usage(argument.substr(0, argument.size() - 1) + ": it is empty");
        }
        return std::nullopt;
    }

    // A variable that a script didn't set would be a grant without an end, or a token for all teams.
    static std::optional<Outcome> wrong_value(const CLI::App& app) {
        for (const CLI::Option* option : app.get_options()) {
            for (const std::string& value : option->results()) {
                if (value.empty()) return wrong_usage(option->get_name() + ": it is empty");
                if (!core::is_utf8(value)) return wrong_usage(option->get_name() + ": it isn't UTF-8");
            }
        }
        for (const CLI::App* chosen : app.get_subcommands())
            if (auto wrong = wrong_value(*chosen)) return wrong;
        return std::nullopt;
    }

    std::optional<Outcome> wrong_store(const std::vector<std::string>& arguments) const {
        const std::string& store = line_.store;
        const bool shared = is_url(store);
        if (shared && !is_postgres_url(store))
            return wrong_usage("--store: a folder or postgresql://USER@HOST/DATABASE is needed");
        const bool in_arguments = std::ranges::any_of(
            arguments, [&](const std::string& argument) { return argument.ends_with(store); });
        if (shared && in_arguments && holds_password(store))
            return wrong_usage(
                "--store: every process of this machine could read the password: put the URL into "
                "METERBOX_ACCOUNT_STORE, or the password into the file that PGPASSFILE names");
        if (shared && line_.backup)
            return failed(
                "PostgreSQL makes its own backups: pg_dump, or pg_basebackup with the archived log; once one "
                "was put back, `meterbox-account restore` begins a new epoch");
        if (shared && line_.restore && !line_.restore->empty())
            return wrong_usage(
                "restore FILE is for a store in a folder: put PostgreSQL's own backup back (pg_restore), "
                "then "
                "`meterbox-account restore` begins a new epoch");
        if (!shared && line_.restore && line_.restore->empty())
            return wrong_usage("restore: FILE is required, as `meterbox-account backup` made it");
        if (!shared && line_.epoch) return wrong_usage("--epoch is for a store in PostgreSQL");
        return std::nullopt;
    }

    Outcome outcome_of(const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream err;
        if (app_.exit(error, out, err) == 0) return {exit_done, out.str(), {}};
        std::string what = error.what();
        const int code = error.get_exit_code();
        const bool required = code == static_cast<int>(CLI::ExitCodes::RequiredError);
        const bool extras = code == static_cast<int>(CLI::ExitCodes::ExtrasError);
        if (app_.get_subcommands().empty() && (required || extras)) what = unexpected();
        std::ranges::replace(what, '\n', ' ');
        return wrong_usage(what + ": see `meterbox-account --help`");
    }

    std::string unexpected() const {
        const std::vector<std::string> words = app_.remaining(true);
        if (words.empty()) return "a command is missing";
        const bool option = words.front().starts_with('-');
        return (option ? "unknown option " : "unknown command ") +
               words.front().substr(0, words.front().find('='));
    }

    static CLI::Option* add_number(CLI::App& app, const char* name, std::optional<std::int64_t>& number,
                                   const char* about) {
        const auto read = [name, &number](const std::string& text) {
            const char* end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, number.emplace());
            if (error == std::errc{} && stop == end) return;
            throw CLI::ValidationError(
                name + (" " + text) + ": a whole number is needed" +
                (error == std::errc::result_out_of_range ? ", and this is too large" : ""));
        };
        return app.add_option_function<std::string>(name, read, about)->type_name("N");
    }

    CLI::App* group(const char* name, const char* about) {
        CLI::App* made = app_.add_subcommand(name, about);
        made->require_subcommand(1);
        made->fallthrough();
        return made;
    }
    CLI::App* command(CLI::App& parent, const char* name, const char* about, Run run) {
        CLI::App* made = parent.add_subcommand(name, about);
        made->fallthrough();
        made->callback([this, run = std::move(run)] {
            line_.command = [run, json = json_](Store& store) { return run(store, json); };
        });
        return made;
    }
    CLI::App* long_command(const char* name, const char* about, std::function<LongCommand(bool)> make) {
        CLI::App* made = app_.add_subcommand(name, about);
        made->fallthrough();
        made->callback([this, make = std::move(make)] {
            line_.long_command = make(json_);
            line_.command = [work = make(json_)](Store& store) {
                for (;;)
                    if (const auto outcome = work(store, [] { return false; })) return *outcome;
            };
        });
        return made;
    }

    void add_serve() {
        CLI::App* serve = app_.add_subcommand("serve", "the service");
        serve->fallthrough();
        auto options = std::make_shared<ServeOptions>();
        serve->add_option("--listen", options->listen, "HOST:PORT for agents, default 127.0.0.1:9443");
        serve->add_option("--admin-listen", options->admin_listen,
                          "HOST:PORT for admins, default 127.0.0.1:9444");
        serve->add_flag("--check-config", options->check_config,
                        "check the settings and exit: 0 good, 2 not");
        serve->add_option("--name", options->names, "a name in the server's certificate")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        serve->callback([this, options] { line_.serve = *options; });
    }

    void add_team() {
        CLI::App* team = group("team", "teams");
        auto options = std::make_shared<TeamOptions>();
        CLI::App* add = command(*team, "add", "a new team",
                                [options](Store& s, bool json) { return team_add(s, *options, json); });
        CLI::App* set = command(*team, "set", "change a team",
                                [options](Store& s, bool json) { return team_set(s, *options, json); });
        for (CLI::App* each : {add, set}) {
            each->add_option("TEAM", options->team)->required();
            each->add_option("--name", options->name, "for people");
            each->add_option("--zone", options->zone, "IANA time zone, default UTC");
        }
        set->add_option("--lost", options->lost, "units of lost agents: hold, count or release");
        set->add_option("--lost-after", options->lost_after, "how long unheard of; default never");
        command(*team, "list", "all teams", team_list);
        auto key = std::make_shared<std::string>();
        command(*team, "show", "one team", [key](Store& s, bool json) { return team_show(s, *key, json); })
            ->add_option("TEAM", *key)
            ->required();
    }

    void add_resource() {
        CLI::App* resource = group("resource", "what is metered");
        auto options = std::make_shared<ResourceOptions>();
        CLI::App* add = command(*resource, "add", "a new resource", [options](Store& s, bool json) {
            return account::resource_add(s, *options, json);
        });
        CLI::App* set = command(*resource, "set", "change a resource", [options](Store& s, bool json) {
            return account::resource_set(s, *options, json);
        });
        for (CLI::App* each : {add, set}) {
            each->add_option("KEY", options->key)->required();
            each->add_option("--name", options->name, "for people");
            each->add_option("--enforcement", options->enforcement, "hard, soft or none");
            add_number(*each, "--price", options->price, "of a unit, in minor units of the currency");
            each->add_option("--currency", options->currency, "like EUR");
        }
        add->add_option("--kind", options->kind, "exhaustible or returnable")->required();
        add->add_option("--measure", options->measure, "duration or count")->required();
        add->add_option("--unit", options->unit, "a unit's size: 20m, 1")->required();
        add_number(*add, "--rate-token-flex", options->rate_token_flex, "tokens a unit");
        add_number(*add, "--rate-flex", options->rate_flex, "tokens a unit");
        command(*resource, "list", "all resources", resource_list);
    }

    void add_grant() {
        CLI::App* grant = group("grant", "what teams may use");
        auto options = std::make_shared<GrantOptions>();
        CLI::App* add = command(*grant, "add", "a new grant", [options](Store& s, bool json) {
            return account::grant_add(s, *options, json);
        });
        add->add_option("TEAM", options->team)->required();
        add->add_option("--resource", options->resource, "KEY");
        add->add_option("--tier", options->tier, "free, token_flex, flex or payg")->required();
        add_number(*add, "--amount", options->amount, "units");
        add_number(*add, "--tokens", options->tokens, "token_flex, flex: tokens for all resources");
        add_number(*add, "--cap", options->cap, "payg: units a cycle at most");
        add->add_option("--refresh", options->refresh, "cycle: the amount anew in each billing cycle");
        add->add_option("--anchor", options->anchor, "a date on which a cycle begins; default the start's");
        add->add_option("--starts", options->starts, "RFC 3339 or a date; default now");
        add->add_option("--ends", options->ends, "RFC 3339 or a date; default never");
        add->add_option("--zone", options->zone, "of the dates; default the team's");
        auto team = std::make_shared<std::string>();
        command(*grant, "list", "a team's grants",
                [team](Store& s, bool json) { return account::grant_list(s, *team, json); })
            ->add_option("TEAM", *team)
            ->required();
        auto ended = std::make_shared<std::string>();
        CLI::App* end = command(*grant, "end", "end a grant now", [team, ended](Store& s, bool json) {
            return account::grant_end(s, *team, *ended, json);
        });
        end->add_option("TEAM", *team)->required();
        end->add_option("GRANT", *ended, "as in grant list")->required();
    }

    void add_agent() {
        CLI::App* agent = group("agent", "agents of a team");
        auto team = std::make_shared<std::string>();
        auto ttl = std::make_shared<std::string>("1h");
        CLI::App* token =
            command(*agent, "token", "a one-time enrollment token",
                    [team, ttl](Store& s, bool json) { return agent_token(s, *team, *ttl, json); });
        token->add_option("TEAM", *team)->required();
        token->add_option("--ttl", *ttl, "how long it can be used")->capture_default_str();
        command(*agent, "list", "a team's agents",
                [team](Store& s, bool json) { return agent_list(s, *team, json); })
            ->add_option("TEAM", *team)
            ->required();
        auto id = std::make_shared<std::string>();
        auto as = std::make_shared<std::string>();
        command(*agent, "revoke", "refuse its certificate; its units are held in doubt",
                [id](Store& s, bool json) { return agent_revoke(s, *id, json); })
            ->add_option("AGENT", *id)
            ->required();
        CLI::App* write_off =
            command(*agent, "write-off", "give up a lost agent's units, or decide on those that are held",
                    [id, as](Store& s, bool json) { return agent_write_off(s, *id, *as, json); });
        write_off->add_option("AGENT", *id)->required();
        write_off->add_option("--as", *as, "hold, count (as used) or release (as unused)")->required();
        command(*agent, "allow", "let an agent go on that was fenced twice",
                [id](Store& s, bool json) { return agent_allow(s, *id, json); })
            ->add_option("AGENT", *id)
            ->required();
    }

    void add_reports() {
        auto options = std::make_shared<UsageOptions>();
        options->by = "day";
        command(app_, "balance", "a team's cards",
                [options](Store& s, bool json) { return balance(s, options->team, json); })
            ->add_option("TEAM", options->team)
            ->required();
        long_command("audit", "recompute a team's balances from the ledger",
                     [options](bool json) { return audit_team(options->team, json); })
            ->add_option("TEAM", options->team)
            ->required();
        CLI::App* usage = command(app_, "usage", "a team's usage, in UTC", [options](Store& s, bool json) {
            return account::usage(s, *options, json);
        });
        usage->add_option("TEAM", options->team)->required();
        usage->add_option("--from", options->from, "RFC 3339 or a date; default the first of this month");
        usage->add_option("--to", options->to, "exclusive; default now");
        usage->add_option("--by", options->by, "hour, day or month")->capture_default_str();
        usage->add_option("--resource", options->resource, "KEY, default all");
        usage->add_option("--agent", options->agent, "its id, default all");
        usage->add_flag("--csv", options->csv, "print CSV");
        auto cycle = std::make_shared<InvoiceOptions>();
        CLI::App* invoice =
            command(app_, "invoice", "a team's payg units of a billing cycle, and what they cost",
                    [cycle](Store& s, bool json) { return account::invoice(s, *cycle, json); });
        invoice->add_option("TEAM", cycle->team)->required();
        invoice->add_option("--cycle", cycle->cycle, "a date in it; default today's");
        auto given = std::make_shared<AdjustOptions>();
        CLI::App* adjust = command(app_, "adjust", "give charged units back, as an entry in the ledger",
                                   [given](Store& s, bool json) { return account::adjust(s, *given, json); });
        adjust->add_option("TEAM", given->team)->required();
        adjust->add_option("--resource", given->resource, "KEY")->required();
        adjust->add_option("--units", given->units, "-N: N units are given back")->required();
        adjust->add_option("--reason", given->reason, "why; kept in the ledger")->required();
    }

    void add_store_commands() {
        command(app_, "ca", "print the CA's certificate", show_ca);
        CLI::App* lease_key = group("lease-key", "the keys that sign leases");
        command(*lease_key, "roll", "a new key signs from now on", lease_key_roll);
        command(*lease_key, "list", "all keys, and until when their leases count", lease_key_list);
        CLI::App* admin = group("admin", "access to the admin port");
        auto team = std::make_shared<std::string>();
        auto ttl = std::make_shared<std::string>("30d");
        CLI::App* token = command(*admin, "token", "a new token", [team, ttl](Store& s, bool json) {
            return admin_token(s, *team, *ttl, json);
        });
        token->add_option("--team", *team, "read this team only");
        token->add_option("--ttl", *ttl, "how long it is good")->capture_default_str();
        CLI::App* backup = app_.add_subcommand("backup", "the store in one file");
        CLI::App* restore = app_.add_subcommand("restore", "put a backup in the place of the store");
        for (CLI::App* each : {backup, restore}) {
            each->fallthrough();
            auto file = std::make_shared<std::string>();
            const bool back_up = each == backup;
            each->add_option("FILE", *file, back_up ? "" : "without it: the database was put back")
                ->required(back_up);
            if (!back_up)
                add_number(*each, "--epoch", line_.epoch,
                           "of a database that was put back: larger than any that was")
                    ->check(CLI::Range(std::int64_t{2}, core::limits::epoch_max));
            each->callback([this, file, back_up] { (back_up ? line_.backup : line_.restore) = *file; });
        }
    }

    CLI::App app_{"meterbox-account: the central account of meterbox", "meterbox-account"};
    CommandLine line_;
    bool json_ = false;
};

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    return Parser().parse(arguments);
}

}  // namespace meterbox::account
