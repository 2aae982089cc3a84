// Bytes in, one answer out, for the command line: its header, its body, and of a body that is a
// stream of server-sent events each event once it is whole. Knows no socket.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "platform/http/unix_client.hpp"

namespace meterbox::platform::http {

class ResponseReader {
public:
    ResponseReader(bool is_head_request, std::size_t body_bytes_max);
    ~ResponseReader();

    // All of the bytes are taken. malformed: not an answer, or more than is taken.
    [[nodiscard]] core::Result<void> take(std::string_view bytes);
    // The server closed; an error if the answer needed more.
    [[nodiscard]] core::Result<void> end();

    bool has_head() const;
    bool is_complete() const;
    bool is_stream() const;  // once it has_head()
    ClientResponse& response();
    std::optional<ServerEvent> next_event();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace meterbox::platform::http
