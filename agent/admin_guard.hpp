// Who may read on loopback: whoever has the token, under a name that is this machine's. A page from
// elsewhere can make a browser ask here, under a name that it rebound to 127.0.0.1 or across sites; its
// Host or Origin gives it away. Unix sockets are guarded by their mode and never come here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace meterbox::platform::http {
class Request;
}

namespace meterbox::agent {

class AdminGuard {
public:
    // allowed_hosts: names without port, beside localhost, 127.0.0.1 and [::1] which are always good. An
    // empty token lets nobody in.
    AdminGuard(std::string token, std::vector<std::string> allowed_hosts);

    // forbidden, naming the Host or Origin that was sent and the setting. A name counts whatever its
    // case and port: it can't be forged by a page, and a forwarded port is not an attack.
    [[nodiscard]] core::Result<void> check_origin(const platform::http::Request& request) const;
    // unauthenticated without the token. Takes as long for a wrong one as for the right one.
    [[nodiscard]] core::Result<void> check_token(const platform::http::Request& request) const;

private:
    bool allows(std::string_view authority) const;  // NAME or NAME:PORT

    std::string token_;
    std::vector<std::string> allowed_hosts_;
};

}  // namespace meterbox::agent
