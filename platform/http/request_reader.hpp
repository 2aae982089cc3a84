// Bytes in, whole requests out: Beast's parser with meterbox's limits and what Beast leaves open
// (framings that could be read in two ways are refused). It copies what it keeps, so that the bytes
// given to it needn't live on. Knows no socket. One at a time for a connection, reused for the next.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/error.hpp"
#include "platform/http/request.hpp"
#include "platform/http/server.hpp"

namespace meterbox::platform::http {

class RequestReader {
public:
    enum class Progress {
        need_more,  // everything usable was taken; call again with what is left and more
        head,       // the header is whole, and a body follows: call again
        complete,   // request() is whole
        oversized,  // the body is too long: error(). Call again to read past it
        bad,        // error(): no sense can be made of what follows
    };

    explicit RequestReader(const Limits& limits);
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;
    ~RequestReader();

    // Takes what it can from the front of input.
    Progress read(std::string_view& input);
    void reset();  // the next request

    const Request& request(const Peer& peer);  // when complete; valid until reset()
    const core::Error& error() const;
    bool has_started() const;    // a byte of the request has been taken
    bool is_keep_alive() const;  // once the header is whole, as are the next two
    bool is_http10() const;
    bool is_head() const;
    bool take_expectation();     // true once, if the client waits with its body for a 100
    bool is_oversized() const;   // oversized was said of this request
    bool can_read_past() const;  // oversized: the end of the body is known and near enough

private:
    struct State;
    Progress fail(core::ErrorCode code, std::string detail);
    Progress check_head();
    Progress read_body_progress(std::string_view input, bool starved);
    bool resolve_target();

    std::unique_ptr<State> state_;
};

}  // namespace meterbox::platform::http
