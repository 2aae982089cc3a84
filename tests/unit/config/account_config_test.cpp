// The account's settings: as strict as the agent's, from the same sources.
#include "config/account_config.hpp"

#include <fstream>

#include "config/loading.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::config {
namespace {

core::Result<AccountConfig> loaded(const std::string& text, std::vector<std::string> sets = {},
                                   std::vector<const char*> environment = {}) {
    const tests::TemporaryFolder folder;
    Sources sources;
    sources.path = folder / "account.toml";
    std::ofstream{*sources.path} << text;
    sources.sets = std::move(sets);
    environment.push_back(nullptr);
    sources.environment = environment.data();
    return load_account(sources);
}

// What is said of a file, its folder's name left out.
std::string complaint_about(const std::string& text, std::vector<std::string> sets = {}) {
    const auto config = loaded(text, std::move(sets));
    if (config) return "none";
    const std::string& detail = config.error().detail;
    const std::size_t name = detail.find("account.toml");
    return name == std::string::npos ? detail : detail.substr(name);
}

// Both ends of a range are taken, and nothing beyond.
void check_range(const std::string& key, const std::string& unit, std::int64_t least, std::int64_t most) {
    INFO(key);
    const auto set = [&](std::int64_t value) { return key + "=" + std::to_string(value) + unit; };
    CHECK(loaded("", {set(least)}));
    CHECK(loaded("", {set(most)}));
    CHECK_FALSE(loaded("", {set(least - 1)}));
    CHECK_FALSE(loaded("", {set(most + 1)}));
}

}  // namespace

TEST_CASE("the account's example holds every key at its default") {
    Sources sources;
    sources.path = METERBOX_ACCOUNT_EXAMPLE;
    const auto example = load_account(sources);
    REQUIRE(example);
    const AccountConfig built_in = account_defaults();
    for (const auto& rule : account_key_rules()) {
        INFO(rule.key);
        CHECK(example->origins.find(rule.key)->second.kind == Origin::Kind::file);
    }
    CHECK(example->serve.listen == built_in.serve.listen);
    CHECK(example->serve.admin_listen == built_in.serve.admin_listen);
    CHECK(example->serve.names == built_in.serve.names);
    CHECK(example->leases.lease_horizon_ms == core::limits::lease_horizon_default_ms);
    CHECK(example->leases.offline_horizon_ms == core::limits::offline_horizon_default_ms);
    CHECK(example->leases.idle_ms == core::limits::idle_default_ms);
    CHECK(example->leases.payg_exposure_units == core::limits::payg_exposure_default_units);
    CHECK(example->cards.low_percent == core::limits::low_percent_default);
    CHECK(example->invoice.final_after_ms == core::limits::invoice_final_after_default_ms);
    CHECK(example->store.keep_usage_ms == core::limits::usage_keep_default_ms);
    CHECK(example->log == built_in.log);
}

TEST_CASE("what is wrong in the account's file is named with its line") {
    CHECK(
        complaint_about("[leases]\nidel = \"5m\"\n") ==
        "account.toml:2: leases.idel: unknown key; the keys of [leases] are lease_horizon, offline_horizon, "
        "idle, payg_exposure");
    CHECK(complaint_about("[lease]\n")
              .starts_with("account.toml:1: lease: unknown section; the sections are "
                           "serve, leases, cards, invoice, store, log"));
    CHECK(complaint_about("[cards]\n\nlow_percent = \"20\"\n")
              .starts_with("account.toml:3: cards.low_percent: is text; write a whole number"));
    CHECK(complaint_about("[serve]\nlisten = \"9443\"\n")
              .starts_with("account.toml:2: serve.listen: \"9443\" is no address; write HOST:PORT"));
    CHECK(complaint_about("[serve]\nlisten = 9443\n").starts_with("account.toml:2: serve.listen: is a "));
    CHECK(complaint_about("[serve]\nnames = [\"a b\"]\n").starts_with("account.toml:2: serve.names: "));
    CHECK(complaint_about("[serve]\nnames = [\"::1::\"]\n").starts_with("account.toml:2: serve.names: "));
    CHECK(complaint_about("[log]\nlevel = \"loud\"\n").starts_with("account.toml:2: log.level: not one of"));
    CHECK(complaint_about("", {"cards.low=1"}).starts_with("--set: cards.low: unknown key"));
    CHECK(complaint_about("", {"journal.budget=1GiB"}).starts_with("--set: journal.budget: unknown section"));
    Sources missing;
    missing.path = "/nonexistent/account.toml";
    const auto config = load_account(missing);
    REQUIRE_FALSE(config);
    CHECK(config.error().detail.starts_with("/nonexistent/account.toml: can't be read"));
}

TEST_CASE("each of the account's numbers is taken within its range alone") {
    namespace limits = core::limits;
    check_range("cards.low_percent", "", 0, limits::low_percent_max);
    check_range("leases.payg_exposure", "", 1, limits::units_max);
    check_range("leases.lease_horizon", "ms", limits::lease_horizon_min_ms, limits::lease_horizon_max_ms);
    check_range("leases.offline_horizon", "ms", limits::offline_horizon_min_ms,
                limits::offline_horizon_max_ms);
    check_range("leases.idle", "ms", limits::idle_min_ms, limits::idle_max_ms);
    check_range("invoice.final_after", "ms", limits::invoice_final_after_min_ms,
                limits::invoice_final_after_max_ms);
    check_range("store.keep_usage", "ms", limits::keep_min_ms, limits::keep_max_ms);
    for (const char* listen : {"0.0.0.0:0", "[::1]:65535", "account.example:443"})
        CHECK(loaded("", {std::string("serve.listen=") + listen}));
    for (const char* listen : {"", ":9443", "host", "host:", "host:65536", "host:-1", "host:x"})
        CHECK_FALSE(loaded("", {std::string("serve.listen=") + listen}));
}

TEST_CASE("a name of the server may be an IPv6 address, with brackets or without") {
    const auto config = loaded("[serve]\nnames = [\"account.example\", \"[::1]\", \"2001:db8::0:1\"]\n");
    REQUIRE(config);
    CHECK(config->serve.names == std::vector<std::string>{"account.example", "::1", "2001:db8::1"});
}

TEST_CASE("--set wins over the environment, and that over the account's file") {
    const std::string file = "[cards]\nlow_percent = 1\n";
    const char* variable = "METERBOX_CARDS_LOW_PERCENT=2";
    CHECK(loaded(file)->cards.low_percent == 1);
    CHECK(loaded(file, {}, {variable})->cards.low_percent == 2);
    CHECK(loaded(file, {"cards.low_percent=3"}, {variable})->cards.low_percent == 3);
    CHECK(loaded(file, {}, {"METERBOX_ACCOUNT_STORE=/x"})->cards.low_percent == 1);
}

}  // namespace meterbox::config
