#include "client/daemon.hpp"

#include "core/json_reader.hpp"

namespace meterbox::client {

Outcome<Answer> ask_daemon(const std::string& socket, const platform::http::ClientRequest& request,
                           std::chrono::milliseconds timeout) {
    bool connected = false;
    auto response = platform::http::request_unix(socket, request, timeout, &connected);
    if (!response) {
        Failure failure = failure_of(response.error());
        failure.may_be_done = connected;
        return failure;
    }
    constexpr int hundred = 100;
    if (response->status / hundred != 2) return failure_of(*response);

    Answer answer{.body = std::move(response->body), .json = {}};
    if (answer.body.empty()) return answer;
    auto parsed = core::parse_json(answer.body);
    if (!parsed) {
        return Failure{exit_failed,
                       "what listens on " + socket + " is not meterboxd: its answer is not JSON"};
    }
    answer.json = std::move(*parsed);
    return answer;
}

Outcome<Answer> ask_daemon(const std::string& socket, const std::string& path) {
    platform::http::ClientRequest request;
    request.target = path;
    return ask_daemon(socket, request);
}

}  // namespace meterbox::client
