// The commands that have the daemon talk to the account: sync, enroll, retire.
#include <fcntl.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

#include "client/commands.hpp"
#include "client/json_view.hpp"
#include "client/text.hpp"
#include "config/account_url.hpp"

namespace meterbox::client {
namespace {

constexpr std::chrono::milliseconds account_timeout{core::limits::client_account_answer_ms};

Outcome<Answer> post(const Options& options, std::string path, const boost::json::object& body) {
    platform::http::ClientRequest request;
    request.method = "POST";
    request.target = std::move(path);
    request.content_type = "application/json";
    request.body = boost::json::serialize(body);
    return ask_daemon(options.admin_socket, request, account_timeout);
}

void print_line(const Options& options, const Answer& answer, const std::string& line) {
    const std::string& text = options.json ? answer.body : line;
    std::printf("%s%s", text.c_str(), text.ends_with('\n') ? "" : "\n");
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The token is a secret: it goes to the daemon and nowhere else, no message quotes it.
Outcome<std::string> read_token(const std::string& given) {
    std::string token = given;
    if (given == "-" && !std::getline(std::cin, token)) {
        return Failure{exit_usage,
                       "enroll: stdin gave no token; write the token that `meterbox-account agent token` "
                       "printed to it"};
    }
    token = trimmed(token);
    if (token.empty() || token.size() > core::limits::enrollment_token_bytes_max) {
        return Failure{exit_usage,
                       "enroll: --token is empty or too long; give it what `meterbox-account agent "
                       "token` printed, or - to read it from stdin"};
    }
    return token;
}

Outcome<std::string> read_ca(const std::string& path) {
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) {
        return Failure{exit_usage, printable("enroll: --ca: " + path + " is a folder; name a PEM file")};
    }
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) {
        return Failure{exit_usage,
                       printable("enroll: --ca: can't read " + path + " (" +
                                 std::generic_category().message(errno) + "); name a readable PEM file")};
    }
    if (text.find("-----BEGIN CERTIFICATE-----") == text.npos || text.size() > core::limits::body_bytes_max) {
        return Failure{exit_usage, printable("enroll: --ca: " + path +
                                             " holds no certificate; name the PEM file "
                                             "that `meterbox-account ca` printed")};
    }
    return text;
}

}  // namespace

Outcome<int> run_sync(const Options& options) {
    auto answer = post(options, "/v1/sync", {});
    if (!answer) return answer.error();
    print_line(options, *answer, "synced");
    return exit_done;
}

Outcome<int> run_retire(const Options& options) {
    auto answer = post(options, "/v1/retire", {});
    if (!answer) return answer.error();
    print_line(options, *answer,
               "retired: the account has everything, and what was left is the team's again");
    return exit_done;
}

Outcome<int> run_enroll(const Options& options, const EnrollArguments& arguments) {
    if (!config::parse_account_url(arguments.url)) {
        return Failure{exit_usage, printable("enroll: \"" + arguments.url +
                                             "\" is not an account's URL; write https://HOST:PORT")};
    }
    boost::json::object body{{"url", arguments.url}};
    if (!arguments.ca_file.empty()) {
        auto ca = read_ca(arguments.ca_file);
        if (!ca) return ca.error();
        body["ca"] = *ca;
    }
    auto token = read_token(arguments.token);
    if (!token) return token.error();
    body["token"] = *token;

    auto answer = post(options, "/v1/enroll", body);
    if (!answer) return answer.error();
    const JsonView enrolled{answer->json};
    const std::string team = enrolled["team"].text();
    const std::string agent = enrolled["agent"].text(enrolled["id"].text());
    print_line(options, *answer,
               printable("enrolled" + (agent.empty() ? "" : " as " + agent) +
                         (team.empty() ? "" : " in team " + team)));
    return exit_done;
}

}  // namespace meterbox::client
