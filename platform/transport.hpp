// The way to the account, as a seam: one request, one answer, on a connection that is kept. The
// real one is TLS with the agent's certificate (agent/account_transport); a test's can lose, repeat
// and delay. Loop thread only.
#pragma once

#include <functional>
#include <string>

#include "core/error.hpp"

namespace meterbox::platform {

struct Answer {
    int status = 0;  // HTTP
    std::string body;
};

class Transport {
public:
    virtual ~Transport() = default;
    using Completion = std::function<void(core::Result<Answer>)>;
    // POST. Answered once, later, never from inside: an answer of whatever status, or unreachable with
    // one line that says why. One at a time. What was sent may have arrived although it failed.
    virtual void exchange(std::string path, std::string body, Completion done) = 0;
};

}  // namespace meterbox::platform
