// The operator's commands: what they print, what they refuse, and with which exit code.
#include <boost/json.hpp>
#include <limits>

#include "core/json_reader.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using account::exit_done;
using account::exit_failed;
using account::exit_usage;

namespace {

struct Lab : AccountFixture {
    Lab() { team_with("lab", "render"); }
    int exit(const std::vector<std::string>& arguments) {
        const account::Outcome outcome = command(arguments);
        // A refusal is one line and says something.
        if (outcome.exit != exit_done) CHECK_FALSE(outcome.err.empty());
        CHECK(outcome.err.find('\n') == std::string::npos);
        return outcome.exit;
    }
    boost::json::object json(std::vector<std::string> arguments) {
        arguments.push_back("--json");
        return core::parse_json(done(arguments))->as_object();
    }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Lab, "add prints the new id alone") {
    CHECK(done({"team", "add", "other"}) == "other\n");
    CHECK(done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5"}) == "g1\n");
    CHECK(json({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5"})["id"] ==
          "g2");
}

TEST_CASE_METHOD(Lab, "what is there already, or isn't there, is a failure") {
    CHECK(exit({"team", "add", "lab"}) == exit_failed);
    CHECK(exit({"team", "show", "nobody"}) == exit_failed);
    CHECK(exit({"resource", "add", "render", "--kind", "exhaustible", "--measure", "count", "--unit", "1"}) ==
          exit_failed);
    CHECK(exit({"resource", "set", "nothing", "--name", "x"}) == exit_failed);
    CHECK(exit({"grant", "add", "nobody", "--resource", "render", "--tier", "free", "--amount", "5"}) ==
          exit_failed);
    CHECK(exit({"grant", "add", "lab", "--resource", "nothing", "--tier", "free", "--amount", "5"}) ==
          exit_failed);
    for (const Words& words : {Words{"balance", "nobody"}, Words{"audit", "nobody"}, Words{"usage", "nobody"},
                               Words{"agent", "list", "nobody"}, Words{"agent", "token", "nobody"},
                               Words{"grant", "list", "nobody"}}) {
        CHECK(exit(words) == exit_failed);
    }
}

TEST_CASE_METHOD(Lab, "wrong usage is exit 2") {
    const Words resource{"resource", "add", "r", "--kind", "exhaustible", "--measure", "duration", "--unit"};
    const auto with = [](Words words, const Words& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    for (const char* unit : {"0s", "-1s", "20", "1.5s", "x", "1y"}) {
        CHECK(exit(with(resource, {unit})) == exit_usage);
    }
    CHECK(exit({"resource", "add", "r", "--kind", "exhaustible", "--measure", "count", "--unit", "1s"}) ==
          exit_usage);
    CHECK(exit({"resource", "add", "r", "--kind", "returnable", "--measure", "count", "--unit", "2"}) ==
          exit_usage);
    CHECK(exit({"resource", "add", "R", "--kind", "exhaustible", "--measure", "count", "--unit", "1"}) ==
          exit_usage);
    CHECK(exit(with(resource, {"1s", "--price", "5"})) == exit_usage);
    CHECK(exit(with(resource, {"1s", "--price", "5", "--currency", "euro"})) == exit_usage);
    CHECK(exit(with(resource, {"1s", "--enforcement", "strict"})) == exit_usage);

    const Words grant{"grant", "add", "lab", "--resource", "render", "--tier"};
    for (const Words& more :
         {Words{"free"}, Words{"free", "--amount", "0"}, Words{"free", "--amount", "-1"},
          Words{"free", "--amount", "1.5"}, Words{"free", "--amount", "1099511627777"},
          Words{"free", "--amount", "5", "--cap", "5"}, Words{"payg", "--amount", "5"},
          Words{"payg", "--cap", "0"}, Words{"gold", "--amount", "5"},
          Words{"free", "--amount", "5", "--ends", "soon"},
          Words{"free", "--amount", "5", "--starts", "2026-02-02", "--ends", "2026-02-02"}}) {
        CHECK(exit(with(grant, more)) == exit_usage);
    }
    CHECK(exit(with(grant, {"free", "--amount", "1099511627776"})) == exit_done);
    CHECK(exit({"team", "add", "x", "--zone", "Mars/Olympus"}) == exit_usage);
    CHECK(exit({"agent", "token", "lab", "--ttl", "0s"}) == exit_usage);
    CHECK(exit({"usage", "lab", "--by", "week"}) == exit_usage);
    CHECK(exit({"usage", "lab", "--from", "2026-02-02", "--to", "2026-02-01"}) == exit_usage);
    CHECK(exit({"nonsense"}) == exit_usage);
    CHECK(exit({}) == exit_usage);
}

TEST_CASE("a store's URL is one of PostgreSQL's, and holds no password where others can read it") {
    const auto parsed = [](const Words& words) { return account::parse_command_line(words).done; };
    CHECK_FALSE(parsed({"--store", "postgresql://me@db/x", "team", "list"}));
    for (const char* url :
         {"mysql://db/x", "postgresql://me:secret@db/x", "postgresql://db/x?password=secret"}) {
        for (const Words& words :
             {Words{"--store", url, "team", "list"}, Words{"--store=" + std::string(url), "team", "list"}}) {
            const auto refused = parsed(words);
            REQUIRE(refused);
            CHECK(refused->exit == exit_usage);
            CHECK(refused->err.find("secret") == std::string::npos);
        }
    }
    ::setenv("METERBOX_ACCOUNT_STORE", "postgresql://me:secret@db/x", 1);
    const account::CommandLine line = account::parse_command_line({"team", "list"});
    ::unsetenv("METERBOX_ACCOUNT_STORE");
    CHECK_FALSE(line.done);
    CHECK(line.store == "postgresql://me:secret@db/x");
}

TEST_CASE("each kind of store has its own way of being put back") {
    const auto exit_of = [](const Words& words) {
        return account::parse_command_line(words).done.value().exit;
    };
    const std::string url = "postgresql://db/x";
    CHECK_FALSE(account::parse_command_line({"--store", url, "restore"}).done);
    CHECK_FALSE(account::parse_command_line({"--store", url, "restore", "--epoch", "2"}).done);
    CHECK_FALSE(account::parse_command_line({"--store", url, "restore", "--epoch", "1000000"}).done);
    CHECK(exit_of({"--store", url, "restore", "--epoch", "1"}) == exit_usage);
    CHECK(exit_of({"--store", url, "restore", "--epoch", "1000001"}) == exit_usage);
    CHECK(exit_of({"--store", url, "restore", "file"}) == exit_usage);
    CHECK(exit_of({"--store", url, "backup", "file"}) == account::exit_failed);
    CHECK(exit_of({"--store", "folder", "restore"}) == exit_usage);
    CHECK(exit_of({"--store", "folder", "restore", "file", "--epoch", "2"}) == exit_usage);
}

TEST_CASE_METHOD(Lab, "a resource's enforcement is set when it is added, and changed while it is used") {
    const auto mode_of = [this](std::string_view key) {
        const auto listed = json({"resource", "list"});
        for (const auto& resource : listed.at("resources").as_array())
            if (resource.at("key").as_string() == key)
                return std::string(resource.at("enforcement").as_string());
        return std::string();
    };
    for (const char* mode : {"hard", "soft", "none"}) {
        done({"resource", "add", "r-" + std::string(mode), "--kind", "exhaustible", "--measure", "count",
              "--unit", "1", "--enforcement", mode});
        CHECK(mode_of("r-" + std::string(mode)) == mode);
    }
    const std::int64_t version = database().number("SELECT catalogue_version FROM account");
    done({"resource", "set", "r-hard", "--enforcement", "none"});
    done({"resource", "set", "r-none", "--enforcement", "soft"});
    CHECK(database().number("SELECT catalogue_version FROM account") == version + 2);
    CHECK(mode_of("r-hard") == "none");
    CHECK(mode_of("r-none") == "soft");
    const account::Outcome wrong = command({"resource", "set", "r-hard", "--enforcement", "mild"});
    CHECK(wrong.exit == exit_usage);
    CHECK(wrong.err.find("hard, soft or none") != std::string::npos);
    CHECK(mode_of("r-hard") == "none");
}

TEST_CASE_METHOD(Lab, "a payg grant needs the resource's price, in the team's one currency") {
    done({"resource", "add", "api", "--kind", "exhaustible", "--measure", "count", "--unit", "1"});
    CHECK(exit({"grant", "add", "lab", "--resource", "api", "--tier", "payg"}) == exit_failed);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--cap", "7"});
    done({"resource", "set", "api", "--price", "3", "--currency", "USD"});
    CHECK(exit({"grant", "add", "lab", "--resource", "api", "--tier", "payg"}) == exit_failed);
    CHECK(exit({"resource", "set", "api", "--price", "3", "--currency", "EUR"}) == exit_failed);
    CHECK(exit({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--zone", "Europe/Paris"}) ==
          exit_failed);
}

TEST_CASE_METHOD(Lab, "grants are listed with what was given and their state") {
    const core::UtcTime now = clock.wall_now();
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5", "--ends",
          core::format_rfc3339(now + core::hour_ms)});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--starts",
          core::format_rfc3339(now + core::hour_ms)});
    const auto grants = json({"grant", "list", "lab"})["grants"].as_array();
    REQUIRE(grants.size() == 2);
    CHECK(grants[0].at("state") == "active");
    CHECK(grants[0].at("amount") == 5);
    CHECK(grants[0].at("tokens").is_null());
    CHECK(grants[0].at("ends_at").as_string() == std::string_view(core::format_rfc3339(now + core::hour_ms)));
    CHECK(grants[1].at("state") == "scheduled");
    CHECK(grants[1].at("amount").is_null());
    CHECK(grants[1].at("ends_at").is_null());
    clock.advance(core::hour_ms);
    CHECK(json({"grant", "list", "lab"})["grants"].at(0).at("state") == "ended");
}

TEST_CASE_METHOD(Lab, "the balance has a card for each resource") {
    free_grant("lab", "render", 150);
    const auto balance = json({"balance", "lab"});
    CHECK(balance.at("team") == "lab");
    const auto& card = balance.at("cards").at(0);
    CHECK(card.at("available_units") == 150);
    CHECK(card.at("state") == "ok");
    CHECK(done({"balance", "lab"}).find("render") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "usage is added up by hour, day and month, with its units, and its end is exclusive") {
    free_grant("lab", "render", 100);
    const std::string one = agent("lab");
    const std::int64_t hour = core::hour_of(core::UtcTime{1'700'000'000'000}).number;  // 2023-11-14T22
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    said.request_number = 1;
    said.resources = {counters("render", 0, 9, 0)};
    REQUIRE(sync("lab", one, said));
    said.request_number = 2;
    core::wire::TrancheCounters used{"t1", core::Units{6}, core::Units{0}, {}};
    used.hours = {{{hour}, core::Units{1}}, {{hour + 1}, core::Units{2}}, {{hour + 2}, core::Units{3}}};
    said.resources = {counters("render", 6'000, 0, 0, {used})};
    said.usage = {{"render", {hour}, "a", core::Amount{600}},
                  {"render", {hour}, "b", core::Amount{500}},
                  {"render", {hour + 1}, "a", core::Amount{1'900}},
                  {"render", {hour + 2}, "a", core::Amount{3'000}}};
    REQUIRE(sync("lab", one, said));
    said.usage[0].usage = core::Amount{100};  // late and smaller: changes nothing
    REQUIRE(sync("lab", one, said));

    const auto rows = [&](const char* from, const char* to, const char* by) {
        return json({"usage", "lab", "--from", from, "--to", to, "--by", by})["rows"].as_array();
    };
    const auto hours = rows("2023-11-14T22:00:00Z", "2023-11-15T01:00:00Z", "hour");
    REQUIRE(hours.size() == 4);
    CHECK(hours[0].at("from") == "2023-11-14T22:00:00Z");
    CHECK(hours[0].at("agent").as_string() == std::string_view(one));
    CHECK(hours[0].at("subject") == "a");
    CHECK(hours[0].at("usage") == 600);
    CHECK(hours[0].at("units") == 0);
    CHECK(hours[1].at("units") == 1);  // it was completed by the later subject
    CHECK(rows("2023-11-14T22:00:00Z", "2023-11-15T00:00:00Z", "hour").size() == 3);

    const auto days = rows("2023-11-14", "2023-11-16", "day");
    REQUIRE(days.size() == 3);
    CHECK(days[0].at("usage") == 2'500);
    CHECK(days[0].at("units") == 2);
    CHECK(days[1].at("units") == 1);
    CHECK(days[2].at("from") == "2023-11-15T00:00:00Z");
    const auto months = rows("2023-11-01", "2023-12-01", "month");
    REQUIRE(months.size() == 2);
    CHECK(months[0].at("from") == "2023-11-01T00:00:00Z");
    CHECK(months[0].at("usage") == 5'500);
    CHECK(months[0].at("units") == 5);
    CHECK(months[1].at("units") == 1);
    CHECK(rows("2024-01-01", "2024-02-01", "month").empty());
}

TEST_CASE_METHOD(Lab, "agents are listed with what they hold") {
    free_grant("lab", "render", 100);
    const std::string one = agent("lab");
    CHECK(json({"agent", "list", "lab"})["agents"].at(0).at("last_sync_at").is_null());
    core::wire::SyncRequest said;
    said.session = session("lab", one);
    said.request_number = 1;
    said.resources = {counters("render", 0, 3, 0)};
    REQUIRE(sync("lab", one, said));
    const auto listed = json({"agent", "list", "lab"})["agents"].at(0);
    CHECK(listed.at("id").as_string() == std::string_view(one));
    CHECK(listed.at("state") == "active");
    CHECK(listed.at("leased").at("render") == 3);
    CHECK(listed.at("last_sync_at").as_string() == std::string_view(core::format_rfc3339(clock.wall_now())));
}

TEST_CASE_METHOD(Lab, "an agent's leased units are those of the card: what has ended isn't among them") {
    const core::UtcTime soon = clock.wall_now() + core::hour_ms;
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "40", "--ends",
          core::format_rfc3339(soon)});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "7"});
    done({"grant", "add", "lab", "--resource", "render", "--tier", "flex", "--amount", "50"});
    for (const std::string& one : {agent("lab"), agent("lab")}) {
        core::wire::SyncRequest said;
        said.session = session("lab", one);
        said.request_number = 1;
        said.resources = {counters("render", 0, 45, 0)};
        REQUIRE(sync("lab", one, said));
    }
    const auto is_the_card_s = [this](std::int64_t units) {
        std::int64_t sum = 0;
        const auto listed = json({"agent", "list", "lab"});
        for (const auto& one : listed.at("agents").as_array())
            if (const auto* leased = one.at("leased").as_object().if_contains("render"))
                sum += leased->as_int64();
        CHECK(sum == units);
        CHECK(json({"balance", "lab"}).at("cards").at(0).at("leased_units") == units);
    };
    is_the_card_s(90);
    done({"grant", "end", "lab", "g2"});
    is_the_card_s(83);
    clock.advance(core::hour_ms);
    is_the_card_s(43);
}

TEST_CASE_METHOD(Lab, "whatever shows a state says as of when it is") {
    const std::string now = core::format_rfc3339(clock.wall_now());
    for (const Words& words : {Words{"balance", "lab"}, Words{"usage", "lab"}, Words{"invoice", "lab"},
                               Words{"grant", "list", "lab"}, Words{"agent", "list", "lab"}}) {
        INFO(words.front());
        CHECK(json(words).at("as_of").as_string() == std::string_view(now));
        CHECK(done(words).ends_with("\nas of " + now + "\n"));
    }
}

TEST_CASE_METHOD(Lab, "help and version are answered, and the CA is printed as PEM") {
    CHECK(command({"--help"}).exit == exit_done);
    CHECK(command({"grant", "add", "--help"}).out.find("--amount") != std::string::npos);
    CHECK(done({"--version"}).find(METERBOX_VERSION) != std::string::npos);
    CHECK(done({"ca"}).starts_with("-----BEGIN CERTIFICATE-----"));
    CHECK(done({"admin", "token"}).size() == 44);
}

TEST_CASE_METHOD(Lab, "usage that adds up beyond every figure is shown as the largest") {
    const std::string one = agent("lab");
    for (int hour = 0; hour < 5; ++hour) {
        database().run("INSERT INTO usage VALUES (?, 1, ?, 'render', '', ?)", one, 24 + hour,
                       std::int64_t{1} << 61);
    }
    const auto rows =
        json({"usage", "lab", "--from", "1970-01-01", "--to", "1970-02-01", "--by", "month"})["rows"]
            .as_array();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].at("usage") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE_METHOD(Lab, "returnable capacity is counted in units of 1 and granted as free or flex") {
    const Words add{"resource", "add", "seat", "--kind", "returnable", "--measure", "count", "--unit", "1"};
    Words priced = add;
    priced.insert(priced.end(), {"--price", "1", "--currency", "EUR"});
    CHECK(exit(priced) == exit_usage);
    done(add);
    CHECK(exit({"resource", "set", "seat", "--price", "1", "--currency", "EUR"}) == exit_usage);
    CHECK(exit({"grant", "add", "lab", "--resource", "seat", "--tier", "payg", "--cap", "3"}) == exit_usage);
    done({"grant", "add", "lab", "--resource", "seat", "--tier", "free", "--amount", "3"});
    done({"grant", "add", "lab", "--resource", "seat", "--tier", "flex", "--amount", "3"});
}
