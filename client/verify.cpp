// `meterbox verify`: has the daemon check its journal, and says what it found.
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>

#include "client/commands.hpp"
#include "client/json_view.hpp"
#include "client/text.hpp"

namespace meterbox::client {

namespace {

constexpr std::chrono::minutes patience{10};  // a long history, between the commits of a busy daemon

std::string found(const JsonView& report) {
    const std::string links = std::to_string(report["links"].integer_or(0));
    const std::string events = std::to_string(report["events"].integer_or(0));
    return "the journal is whole: " + links + " links from " + std::to_string(report["first"].integer_or(0)) +
           " on, with " + events + " events; head " +
           std::to_string(report["head"]["sequence"].integer_or(0)) + " " + report["head"]["hash"].text();
}

}  // namespace

Outcome<int> run_verify(const Options& options) {
    platform::http::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/verify";
    auto answer = ask_daemon(options.admin_socket, request, patience);
    if (!answer) return answer.error();
    const JsonView report{answer->json};
    const bool whole = report["ok"].boolean().value_or(false);
    if (options.json) {
        std::printf("%s\n", answer->body.c_str());
    } else if (whole) {
        std::printf("%s\n", found(report).c_str());
    }
    if (whole) return exit_done;
    const JsonView broken = report["broken"];
    return Failure{exit_failed, printable("verify: the journal is not as it was committed, from link " +
                                          std::to_string(broken["sequence"].integer_or(0)) +
                                          " on: " + broken["what"].text() +
                                          "; keep a copy of state_dir, and tell the account's operator")};
}

}  // namespace meterbox::client
