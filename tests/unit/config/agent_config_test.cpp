// What a wrong setting is told, and which source wins. Each error is one line that names the place, the key,
// and what to do.
#include "config/agent_config.hpp"

#include <unistd.h>

#include <fstream>

#include "core/account_limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::config {
namespace {

// A file agent.toml, and what load() makes of it.
class AgentFile {
public:
    explicit AgentFile(const std::string& text) { std::ofstream{path()} << text; }

    std::string path() const { return folder_ / "agent.toml"; }
    std::string folder() const { return folder_.path(); }
    core::Result<AgentConfig> load(std::vector<std::string> sets = {},
                                   std::vector<const char*> environment = {}) {
        environment.push_back(nullptr);
        Sources sources;
        sources.path = path();
        sources.sets = std::move(sets);
        sources.environment = environment.data();
        return config::load(sources);
    }

private:
    tests::TemporaryFolder folder_;
};

// What is said of a file, its folder's name left out.
std::string complaint_about(const std::string& text, std::vector<std::string> sets = {},
                            std::vector<const char*> environment = {}) {
    AgentFile file{text};
    const auto loaded = file.load(std::move(sets), std::move(environment));
    if (loaded) return "none";
    std::string detail = loaded.error().detail;
    for (std::size_t at = 0; (at = detail.find(file.folder() + "/")) != detail.npos;) {
        detail.erase(at, file.folder().size() + 1);
    }
    return detail;
}

bool taken(const std::string& text) {
    return AgentFile{text}.load().has_value();
}

}  // namespace

TEST_CASE("without a file the defaults hold") {
    const tests::TemporaryFolder folder;
    Sources sources;
    sources.default_path = folder / "none.toml";
    const auto loaded = load(sources);
    REQUIRE(loaded);
    CHECK(loaded->agent.state_dir == "/var/lib/meterbox");
    CHECK(loaded->agent.name.empty());
    CHECK(loaded->products.socket == "/run/meterbox/products.sock");
    CHECK(loaded->products.group == "meterbox");
    CHECK(loaded->products.mode == 0660);
    CHECK(loaded->products.heartbeat_ms == 30'000);
    CHECK(loaded->products.allow.empty());
    CHECK(loaded->admin.listen == "127.0.0.1:9480");
    CHECK(loaded->account.sync_interval_ms == 240'000);
    CHECK(loaded->journal.checkpoint_ms == 5'000);
    CHECK(loaded->log.level == LogLevel::info);
    CHECK(loaded->origin_of("journal.budget") == Origin{Origin::Kind::built_in, "default"});
}

TEST_CASE("a file that was named must be there") {
    Sources sources;
    sources.path = "/nonexistent/agent.toml";
    const auto loaded = load(sources);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().detail ==
          "/nonexistent/agent.toml: can't be read (No such file or directory); name a readable file with "
          "--config");
}

TEST_CASE("a file that is there but can't be read is an error, also where it may be missing") {
    const tests::TemporaryFolder folder;  // a folder can be opened, not read, by root too
    Sources sources;
    sources.default_path = folder.path();
    const auto loaded = load(sources);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().detail.find("can't be read (Is a directory)") != std::string::npos);
}

TEST_CASE("the example holds every key at its default") {
    Sources sources;
    sources.path = METERBOX_AGENT_EXAMPLE;
    const auto loaded = load(sources);
    REQUIRE(loaded);
    const AgentConfig built_in = defaults();
    CHECK(loaded->agent == built_in.agent);
    CHECK(loaded->products == built_in.products);
    CHECK(loaded->admin == built_in.admin);
    CHECK(loaded->account == built_in.account);
    CHECK(loaded->journal == built_in.journal);
    CHECK(loaded->log == built_in.log);
    for (const std::string& key : agent_keys()) {
        INFO(key);
        CHECK(loaded->origin_of(key).kind == Origin::Kind::file);
    }
}

TEST_CASE("--set wins over the environment, and the environment over the file") {
    AgentFile file{"[log]\nlevel = \"error\"\nformat = \"json\"\n[agent]\nname = \"file\"\n"};
    const auto loaded = file.load({"agent.name=first", "agent.name=set=it"},
                                  {"METERBOX_AGENT_NAME=environment", "METERBOX_LOG_LEVEL=debug"});
    REQUIRE(loaded);
    CHECK(loaded->agent.name == "set=it");
    CHECK(loaded->log.level == LogLevel::debug);
    CHECK(loaded->log.format == LogFormat::json);
    CHECK(loaded->origin_of("agent.name") == Origin{Origin::Kind::argument, "--set"});
    CHECK(loaded->origin_of("log.level") == Origin{Origin::Kind::environment, "METERBOX_LOG_LEVEL"});
    CHECK(loaded->origin_of("log.format") == Origin{Origin::Kind::file, file.path() + ":3"});
}

TEST_CASE("variables that name no key are ignored") {
    AgentFile file{""};
    CHECK(file.load({}, {"METERBOX_STORE=/x", "METERBOX_LOG_LEVELS=?", "METERBOX_LOG_LEVEL", "PATH=/bin"}));
}

TEST_CASE("every key can be set by variable and by --set") {
    for (const std::string key : {"products.max_sessions", "products.max_connections"}) {
        CHECK(AgentFile{""}.load({key + "=7"}));
    }
    AgentFile file{""};
    const auto loaded = file.load({R"(products.allow=[{resource = "render", uid = 1000}])"},
                                  {"METERBOX_ADMIN_ALLOWED_HOSTS=[\"box\"]", "METERBOX_PRODUCTS_MODE=0600",
                                   "METERBOX_JOURNAL_BUDGET=64MiB", "METERBOX_ADMIN_LISTEN="});
    REQUIRE(loaded);
    CHECK(loaded->products.allow == std::vector<AllowRule>{{"render", 1000, {}}});
    CHECK(loaded->admin.allowed_hosts == std::vector<std::string>{"box"});
    CHECK(loaded->products.mode == 0600);
    CHECK(loaded->journal.budget_bytes == 64 * 1024 * 1024);
    CHECK(loaded->admin.listen.empty());
}

TEST_CASE("rules of who may use what are read from [[products.allow]]") {
    AgentFile file{
        "[[products.allow]]\nresource = \"render\"\nuid = 1000\n[[products.allow]]\ngid = 4294967294\n"};
    const auto loaded = file.load();
    REQUIRE(loaded);
    CHECK(loaded->products.allow == std::vector<AllowRule>{{"render", 1000, {}}, {"", {}, 4294967294}});
}

TEST_CASE("a wrong setting is named with file, line and key, and with what to do") {
    CHECK(complaint_about("[agent]\nnmae = \"x\"\n") ==
          "agent.toml:2: agent.nmae: unknown key; the keys of [agent] are name, state_dir");
    CHECK(complaint_about("\n[prodcuts]\n") ==
          "agent.toml:2: prodcuts: unknown section; the sections are agent, products, admin, account, "
          "journal, log");
    CHECK(complaint_about("name = \"x\"\n") ==
          "agent.toml:1: name: unknown section; the sections are agent, products, admin, account, journal, "
          "log");
    CHECK(complaint_about("log = \"debug\"\n") ==
          "agent.toml:1: log: is text; write [log] and its keys below");
    CHECK(complaint_about("[products]\n\nmax_sessions = \"many\"\n") ==
          "agent.toml:3: products.max_sessions: is text; write a whole number, such as 1");
    CHECK(complaint_about("[products]\nmax_sessions = 1.5\n") ==
          "agent.toml:2: products.max_sessions: is a fraction; write a whole number, such as 1");
    CHECK(complaint_about("[products]\nheartbeat = 30\n") ==
          "agent.toml:2: products.heartbeat: is a number; write a duration in quotes, such as \"5m\"");
    CHECK(complaint_about("[products]\nmode = 660\n") ==
          "agent.toml:2: products.mode: is a number; write the mode in quotes, such as \"0660\"");
    CHECK(complaint_about("[agent]\nname = true\n") ==
          "agent.toml:2: agent.name: is a boolean; write text in quotes");
    CHECK(complaint_about("[account]\nsync_interval = \"4 parsecs\"\n") ==
          "agent.toml:2: account.sync_interval: \"4 parsecs\" is not a duration; write one such as \"5m\" or "
          "\"1m30s\"");
    CHECK(complaint_about("[journal]\nbudget = \"lots\"\n") ==
          "agent.toml:2: journal.budget: \"lots\" is not a size; write one such as \"64MiB\"");
    CHECK(complaint_about("[account]\nurl = \"http://account\"\n") ==
          "agent.toml:2: account.url: \"http://account\" is not an account's URL; write https://HOST or "
          "https://HOST:PORT");
    CHECK(complaint_about("[admin]\nlisten = \"0.0.0.0:9480\"\n") ==
          "agent.toml:2: admin.listen: \"0.0.0.0:9480\" is not on loopback, and there is no TLS here; write "
          "127.0.0.1 or [::1]");
    CHECK(complaint_about("[log]\nlevel = \"loud\"\n") ==
          "agent.toml:2: log.level: not one of its words; write one of \"error\", \"warn\", \"warning\", "
          "\"info\", "
          "\"debug\"");
    CHECK(complaint_about("[agent]\nstate_dir = \"\"\n") ==
          "agent.toml:2: agent.state_dir: is empty; write a path");
}

TEST_CASE("a rule that is wrong is named by its own line") {
    CHECK(complaint_about("[[products.allow]]\nuid = 1\n[[products.allow]]\nuser = 1\n") ==
          "agent.toml:4: products.allow: has an unknown member \"user\"; known are resource, uid, gid");
    CHECK(complaint_about("[[products.allow]]\nresource = \"Not A Key\"\n") ==
          "agent.toml:2: products.allow: its resource is not a resource's key; write one such as \"render\"");
    CHECK(complaint_about("[[products.allow]]\nuid = -1\n") ==
          "agent.toml:2: products.allow: its uid is out of range; choose between 0 and 4294967294");
    CHECK(complaint_about("[[products.allow]]\nuid = 1\n[[products.allow]]\n") ==
          "agent.toml:3: products.allow: is empty; give it a resource, a uid or a gid, or remove it");
}

TEST_CASE("what isn't TOML is named with its line") {
    CHECK(complaint_about("[agent]\nname = \n").find("agent.toml:2: not TOML: ") == 0);
    CHECK(complaint_about("[agent\nname=\"x\"\n").find("agent.toml:1: not TOML: ") == 0);
    CHECK(complaint_about("[agent]\nname = \"a\"\nname = \"b\"\n").find("agent.toml:3: not TOML: ") == 0);
    CHECK(complaint_about("[agent]\nname = \"a\"\n[log]\n[agent]\n").find("agent.toml:4: not TOML: ") == 0);
}

TEST_CASE("a table's name that is none is refused with its line, and doesn't end the process") {
    for (const char* header : {"[!]", "[[[a]]]", "[=]", "[[ # ]]", "[\xc3\xa4]", "[,]"}) {
        INFO(header);
        const std::string complaint =
            complaint_about("[log]\nlevel = \"info\"\n" + std::string{header} + "\n");
        CHECK(complaint.starts_with("agent.toml:3: not TOML: "));
    }
}

TEST_CASE("a letter beyond ASCII is taken in quotes, and refused where it can't be") {
    CHECK(taken("[agent]\nname = \"B\xc3\xbcro\"  # \xc3\xa4\n"));
    for (const char* text : {"\xc3\xa4", "\xe3\x81\x82", "\xce\xb1"}) {
        INFO(text);
        const std::string complaint = complaint_about("[agent]\nname = \"a\" " + std::string{text} + "\n");
        CHECK(complaint.starts_with("agent.toml:2: not TOML: "));
        CHECK(complaint_about("[agent]\n" + std::string{text} + " = 1\n")
                  .starts_with("agent.toml:2: not TOML: "));
    }
}

TEST_CASE("a complaint is one line, also about a name or a value that is several") {
    CHECK(complaint_about("\"a\\nb\" = 1\n").find('\n') == std::string::npos);
    CHECK(complaint_about("[journal]\nbudget = \"1\\n\"\n") ==
          "agent.toml:2: journal.budget: \"1?\" is not a size; write one such as \"64MiB\"");
    CHECK(complaint_about("", {"log.level=\r\n"}).find_first_of("\r\n") == std::string::npos);
}

TEST_CASE("a wrong override is named by its variable or by --set") {
    CHECK(complaint_about("", {}, {"METERBOX_PRODUCTS_MAX_SESSIONS=0"}) ==
          "METERBOX_PRODUCTS_MAX_SESSIONS: products.max_sessions: 0 is out of range; choose between 1 and "
          "1000000");
    CHECK(complaint_about("", {"account.sync_intervall=5s"})
              .find("--set: account.sync_intervall: unknown key; ") == 0);
    CHECK(complaint_about("", {"log.level"}) ==
          "--set log.level: has no value; write --set section.key=value");
    CHECK(complaint_about("", {"products.allow=render"}) ==
          "--set: products.allow: is text; write [[products.allow]] with resource, uid or gid");
    CHECK(complaint_about("", {"products.allow=[{uid = -1}]"})
              .starts_with("--set: products.allow: its uid is out of range; "));
    CHECK(complaint_about("", {}, {"METERBOX_PRODUCTS_ALLOW=[{uid = -1}]"})
              .starts_with("METERBOX_PRODUCTS_ALLOW: products.allow: its uid is out of range; "));
}

TEST_CASE("a file of secrets that can't be read is named with the line that asks for it") {
    CHECK(complaint_about("[account]\n\nca_file = \"/nonexistent/ca.crt\"\n") ==
          "agent.toml:3: account.ca_file: can't read /nonexistent/ca.crt (No such file or directory); name a "
          "file "
          "that meterboxd's user can read");
    CHECK(complaint_about("[admin]\ntoken_file = \"/dev/null\"\n") ==
          "agent.toml:2: admin.token_file: can't read /dev/null (it is empty); name a file that meterboxd's "
          "user "
          "can read");
}

TEST_CASE("the two sockets can't be one") {
    CHECK(complaint_about("[products]\nsocket = \"/tmp/a\"\n[admin]\nsocket = \"/tmp/a\"\n") ==
          "agent.toml:4: admin.socket: is the products' socket too; give each a path of its own");
}

TEST_CASE("a socket that is set to the other one's default is named, and not the default") {
    CHECK(complaint_about("[products]\nsocket = \"/run/meterbox/admin.sock\"\n") ==
          "agent.toml:2: products.socket: is the admins' socket too; give each a path of its own");
}

TEST_CASE("each range takes its two ends and nothing beyond them") {
    struct Ends {
        std::string section, key, below, least, most, above;
    };
    const Ends all[] = {
        {"products", "max_connections", "0", "1", "65536", "65537"},
        {"products", "max_sessions", "0", "1", "1000000", "1000001"},
        {"products", "heartbeat", "\"999ms\"", "\"1s\"", "\"1h\"", "\"1h1ms\""},
        {"products", "mode", "\"-1\"", "\"0000\"", "\"0777\"", "\"1000\""},
        {"admin", "listen", "\"127.0.0.1:-1\"", "\"127.0.0.1:0\"", "\"127.0.0.1:65535\"",
         "\"127.0.0.1:65536\""},
        {"account", "url", "\"https://a:0\"", "\"https://a:1\"", "\"https://a:65535\"",
         "\"https://a:65536\""},
        {"account", "sync_interval", "\"999ms\"", "\"1s\"", "\"24h\"", "\"24h1ms\""},
        {"account", "sync_timeout", "\"99ms\"", "\"100ms\"", "\"5m\"", "\"5m1ms\""},
        {"journal", "budget", "\"16777215B\"", "\"16MiB\"", "\"1TiB\"", "\"1025GiB\""},
        {"journal", "checkpoint", "\"99ms\"", "\"100ms\"", "\"1m\"", "\"1m1ms\""},
        {"journal", "keep_events", "\"61d\"", "\"62d\"", "\"3660d\"", "\"3661d\""},
        {"journal", "keep_usage", "\"61d\"", "\"62d\"", "\"3660d\"", "\"3661d\""},
    };
    for (const Ends& ends : all) {
        const std::string line = "[" + ends.section + "]\n" + ends.key + " = ";
        INFO(ends.section << "." << ends.key);
        CHECK(taken(line + ends.least));
        CHECK(taken(line + ends.most));
        CHECK_FALSE(taken(line + ends.below));
        CHECK_FALSE(taken(line + ends.above));
    }
    const std::string longest(107, 'x');
    CHECK(taken("[admin]\nsocket = \"" + longest + "\"\n"));
    CHECK_FALSE(taken("[admin]\nsocket = \"" + longest + "x\"\n"));
    const std::string name(core::limits::agent_name_bytes_max, 'x');
    CHECK(taken("[agent]\nname = \"" + name + "\"\n"));
    CHECK_FALSE(taken("[agent]\nname = \"" + name + "x\"\n"));
}

TEST_CASE("the name that the account's certificate must have is a host's, without brackets") {
    CHECK(complaint_about("[account]\nserver_name = \"not a host!\"\n") ==
          "agent.toml:2: account.server_name: \"not a host!\" is not a host's name; write it without a port");
    CHECK_FALSE(taken("[account]\nserver_name = \"account.example:443\"\n"));
    CHECK_FALSE(taken("[account]\nserver_name = 1\n"));
    CHECK(AgentFile("").load({"account.server_name=[::1]"})->account.server_name == "::1");
    CHECK(AgentFile("").load({"account.server_name=elsewhere.example"})->account.server_name ==
          "elsewhere.example");
    CHECK(AgentFile("").load({"account.server_name="})->account.server_name.empty());
}

}  // namespace meterbox::config
