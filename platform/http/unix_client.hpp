// A blocking HTTP client over a Unix socket, for command lines: one request, one answer, or a stream
// of server-sent events that is polled together with other descriptors. Not for the daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace meterbox::platform::http {

using ClientHeaders = std::vector<std::pair<std::string, std::string>>;

struct ClientRequest {
    std::string method = "GET";
    std::string target = "/";
    ClientHeaders headers = {};
    std::string content_type = {};  // sent when there is a body
    std::string body = {};
};

struct ClientResponse {
    int status = 0;
    std::string content_type = {};
    std::string body = {};
    ClientHeaders headers = {};  // names in lower case
};

// ErrorCode::unreachable: nobody listens at path, no permission, no answer within the timeout, or the
// connection broke before the whole answer was there; detail says which, where, and what to do.
// ErrorCode::malformed: what answers is not an HTTP server.
// connected: set where somebody listens, who may have got the request though no answer came.
[[nodiscard]] core::Result<ClientResponse> request_unix(const std::string& path, const ClientRequest& request,
                                                        std::chrono::milliseconds timeout,
                                                        bool* connected = nullptr);

struct ServerEvent {
    std::string event;
    std::string data;
};

// A stream of server-sent events. Poll fd() for input, then call next() until it gives none.
class UnixEventReader {
public:
    UnixEventReader(UnixEventReader&&) noexcept;
    UnixEventReader& operator=(UnixEventReader&&) noexcept;
    ~UnixEventReader();

    const ClientResponse& response() const;  // body is empty when it is a stream
    bool is_stream() const;                  // the answer was text/event-stream
    int fd() const;
    // The next event, without waiting; none: there is no whole one yet, or no more (ended()).
    std::optional<ServerEvent> next();
    bool ended() const;  // the server closed the stream, and every event was given out

private:
    friend core::Result<UnixEventReader> open_events_unix(const std::string&, const ClientRequest&,
                                                          std::chrono::milliseconds);
    struct State;
    explicit UnixEventReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Sends the request with Accept: text/event-stream and waits for the head of the answer. An answer
// that is not a stream (an error, a problem) is read whole: is_stream() is false.
[[nodiscard]] core::Result<UnixEventReader> open_events_unix(const std::string& path,
                                                             const ClientRequest& request,
                                                             std::chrono::milliseconds timeout);

}  // namespace meterbox::platform::http
