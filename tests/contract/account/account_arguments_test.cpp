// Arguments that a script got wrong: refused in one line that names the option, and nothing is done.
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

using Words = std::vector<std::string>;

struct Lab : AccountFixture {
    Lab() { team_with("lab", "render"); }
    // What wrong usage is told.
    std::string refusal(const Words& words) {
        const account::Outcome outcome = command(words);
        CHECK(outcome.exit == account::exit_usage);
        CHECK(outcome.out.empty());
        return outcome.err;
    }
    static Words grant(const Words& more) {
        Words words{"grant", "add", "lab", "--resource", "render", "--tier", "free"};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
};

}  // namespace

TEST_CASE_METHOD(Lab, "an option with an empty value isn't one that was left out") {
    for (const char* option : {"--ends", "--starts", "--zone", "--refresh", "--anchor", "--cap", "--tokens"})
        CHECK(refusal(grant({"--amount", "5", option, ""})).starts_with(option));
    CHECK(refusal(grant({"--amount", ""})).starts_with("--amount"));
    CHECK(refusal({"invoice", "lab", "--cycle", ""}).starts_with("--cycle"));
    for (const char* option : {"--from", "--to", "--by", "--resource"})
        CHECK(refusal({"usage", "lab", option, ""}).starts_with(option));
    CHECK(refusal({"team", "set", "lab", "--zone", ""}).starts_with("--zone"));
    CHECK(refusal({"admin", "token", "--team", ""}).starts_with("--team"));
    CHECK(refusal({"--store", "", "team", "list"}).starts_with("--store"));
    CHECK(refusal({"team", "show", ""}).starts_with("TEAM"));
    CHECK(database().number("SELECT count(*) FROM grant_") == 0);
    CHECK(database().number("SELECT count(*) FROM admin_token") == 0);
}

TEST_CASE_METHOD(Lab, "a number that isn't whole, or larger than any, is told so") {
    for (const char* wrong : {"1.5", "x", "5x", "0x10", "99999999999999999999"}) {
        for (const char* option : {"--amount", "--cap", "--tokens"}) {
            const std::string said = refusal(grant({option, wrong}));
            CHECK(said.starts_with(std::string(option) + " " + wrong + ": a whole number is needed"));
        }
    }
    for (const char* option : {"--price", "--rate-flex", "--rate-token-flex"}) {
        const Words words{"resource", "add",    "r", "--kind", "exhaustible", "--measure",
                          "count",    "--unit", "1", option,   "1.5"};
        CHECK(refusal(words).starts_with(std::string(option) + " 1.5: a whole number is needed"));
    }
    done(grant({"--amount", "010"}));
    CHECK(database().number("SELECT amount FROM grant_") == 10);
}

TEST_CASE_METHOD(Lab, "a name is one line of UTF-8") {
    for (const char* wrong : {"a\nb", "\x1b[31m", "caf\xe9", "x\xc2\x9b"}) {
        CHECK(refusal({"team", "add", "other", "--name", wrong}).starts_with("--name"));
        CHECK(refusal({"team", "set", "lab", "--name", wrong}).starts_with("--name"));
        CHECK(refusal({"resource", "set", "render", "--name", wrong}).starts_with("--name"));
        CHECK(refusal({"resource", "add", "r", "--kind", "exhaustible", "--measure", "count", "--unit", "1",
                       "--name", wrong})
                  .starts_with("--name"));
    }
    done({"team", "add", "other", "--name", "Caf\xc3\xa9"});
    CHECK(done({"team", "list"}).find("Caf\xc3\xa9") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "what a listing shows can't speak to the terminal, whoever has written it") {
    database().run("UPDATE team SET name = ?", "a\nb\x1b[31m");
    CHECK(done({"team", "list"}).find("a b [31m") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "usage of a resource that isn't there is a failure, not an empty table") {
    const account::Outcome outcome = command({"usage", "lab", "--resource", "nope"});
    CHECK(outcome.exit == account::exit_failed);
    CHECK(outcome.err.find("no resource nope") != std::string::npos);
    done({"usage", "lab", "--resource", "render"});
}

TEST_CASE_METHOD(Lab, "a refreshing grant of what is returnable is refused by the name of --refresh") {
    done({"resource", "add", "seat", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    const Words words{"grant", "add", "lab", "--resource", "seat", "--tier", "free", "--amount", "3"};
    Words refreshing = words;
    refreshing.insert(refreshing.end(), {"--refresh", "cycle"});
    CHECK(refusal(refreshing).find("--refresh") != std::string::npos);
    done(words);
}

TEST_CASE_METHOD(Lab, "an option with nothing after = doesn't take the next word for its value") {
    const auto refused = [&](const std::vector<std::string>& arguments) {
        const account::Outcome outcome = command(arguments);
        return outcome.exit == account::exit_usage && outcome.err.find(": it is empty") != std::string::npos;
    };
    CHECK(refused(
        {"grant", "add", "lab", "--resource", "render", "--tier", "free", "--ends=", "--amount", "5"}));
    CHECK(refused(
        {"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "5", "--ends="}));
    CHECK(refused({"admin", "token", "--team=", "lab"}));
    CHECK(database().number("SELECT count(*) FROM grant_") == 0);
    done({"grant", "add", "lab", "--resource=render", "--tier=free", "--amount=5"});
}

TEST_CASE_METHOD(Lab, "a change of nothing, or of a currency alone, is refused") {
    CHECK(refusal({"resource", "set", "render"}).starts_with("nothing to set: give --name"));
    CHECK(refusal({"team", "set", "lab"}).starts_with("nothing to set: give --name"));
    for (const char* currency : {"USD", "EUR"})
        CHECK(refusal({"resource", "set", "render", "--currency", currency})
                  .starts_with("--currency needs --price"));
    done({"resource", "add", "free", "--kind", "exhaustible", "--measure", "count", "--unit", "1"});
    CHECK(refusal({"resource", "set", "free", "--currency", "USD"}).starts_with("--currency needs --price"));
    CHECK(command({"resource", "set", "render", "--price", "1", "--currency", "USD"})
              .err.find("in EUR for good") != std::string::npos);
    CHECK(database().number("SELECT price FROM resource WHERE key = 'render'") == 100);
    done({"resource", "set", "render", "--price", "1", "--currency", "EUR"});
}

TEST_CASE_METHOD(Lab, "a name that nothing can have isn't said to be missing") {
    for (const std::string name : {"../x", "X", "a b", "caf\xc3\xa9"}) {
        for (const Words& words : {Words{"team", "show", name},
                                   {"balance", name},
                                   {"agent", "token", name},
                                   {"grant", "list", name},
                                   {"grant", "end", name, "g1"}})
            CHECK(refusal(words) == "TEAM " + name + ": it must fit [a-z0-9][a-z0-9._-]{0,62}");
        CHECK(refusal({"resource", "set", name, "--name", "x"}).find("it must fit") != std::string::npos);
        CHECK(refusal({"usage", "lab", "--resource", name}).find("it must fit") != std::string::npos);
        CHECK(refusal({"grant", "add", "lab", "--resource", name, "--tier", "free", "--amount", "1"})
                  .starts_with("--resource " + name + ": it must fit"));
    }
    CHECK(command({"team", "show", "x"}).err.find("team add x") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "a refusal says how to mend what was wrong") {
    const auto says = [this](const Words& words, std::string_view how) {
        const account::Outcome outcome = command(words);
        INFO(outcome.err);
        CHECK(outcome.exit != account::exit_done);
        CHECK(outcome.err.find(how) != std::string::npos);
    };
    says({"grant", "end", "lab", "g9"}, "grant list lab");
    says(grant({"--amount", "1", "--ends", "2001-01-01"}), "give a later time");
    says({"adjust", "lab", "--resource", "render", "--units", "-5", "--reason", "x"}, "balance lab");
}
