// The real way to the account: HTTPS with the agent's certificate, on a connection that is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "platform/transport.hpp"

namespace boost::asio {
class io_context;
}
namespace meterbox::platform::tls {
class TlsContext;
}

namespace meterbox::agent {

class AccountTransport : public platform::Transport {
public:
    // Another certificate: connections made from now on are made with it, and the kept one isn't used any
    // more. An exchange in flight ends as it began.
    virtual void use(std::shared_ptr<const platform::tls::TlsContext> context) = 0;
};

// url: https://host[:port]; server_name: what the certificate must be for, the url's host if empty.
// invalid if the url is none.
[[nodiscard]] core::Result<std::unique_ptr<AccountTransport>> make_account_transport(
    boost::asio::io_context& loop, const std::string& url, const std::string& server_name,
    std::shared_ptr<const platform::tls::TlsContext> context, std::int64_t timeout_ms);

}  // namespace meterbox::agent
