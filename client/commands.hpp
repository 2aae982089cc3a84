// The commands of `meterbox`, one function each. They print to stdout; how they fail is a value, which
// main prints to stderr and turns into the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/daemon.hpp"

namespace meterbox::client {

struct EnrollArguments {
    std::string url;
    std::string token;    // "-": the first line of stdin
    std::string ca_file;  // empty: the token's fingerprint tells the CA
};

struct ReportArguments {
    std::string resource;
    std::string duration;                 // "12m30s" or "PT12M30S"; empty: quantity is given
    std::optional<std::string> quantity;  // a whole number
    std::optional<std::string> id;        // none: a new UUID
    std::string time;                     // RFC 3339; empty: now
    std::string subject;                  // empty: none
};

struct RunArguments {
    std::string resource;
    std::string subject;  // empty: none
    std::string grace = "10s";
    std::vector<std::string> command;
};

[[nodiscard]] Outcome<int> run_status(const Options& options);
[[nodiscard]] Outcome<int> run_resources(const Options& options);
[[nodiscard]] Outcome<int> run_sessions(const Options& options);
[[nodiscard]] Outcome<int> run_sync(const Options& options);
[[nodiscard]] Outcome<int> run_retire(const Options& options);
[[nodiscard]] Outcome<int> run_verify(const Options& options);
[[nodiscard]] Outcome<int> run_enroll(const Options& options, const EnrollArguments& arguments);
[[nodiscard]] Outcome<int> run_report(const Options& options, const ReportArguments& arguments);
// The exit code of the command that was metered, or how the metering ended it.
[[nodiscard]] Outcome<int> run_metered(const Options& options, const RunArguments& arguments);

}  // namespace meterbox::client
