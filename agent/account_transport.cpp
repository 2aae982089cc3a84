#include "agent/account_transport.hpp"

#include <boost/asio/io_context.hpp>
#include <utility>

#include "config/account_url.hpp"
#include "platform/https/https_client.hpp"

namespace meterbox::agent {

namespace https = platform::https;

namespace {

class HttpsTransport final : public AccountTransport {
public:
    HttpsTransport(boost::asio::io_context& loop, https::Endpoint endpoint,
                   std::shared_ptr<const platform::tls::TlsContext> context, std::int64_t timeout_ms)
        : client_(loop, std::move(endpoint), std::move(context)), timeout_ms_(timeout_ms) {}

    void exchange(std::string path, std::string body, Completion done) override {
        https::Request request;
        request.target = std::move(path);
        request.body = std::move(body);
        client_.async_exchange(std::move(request), timeout_ms_,
                               [done = std::move(done)](core::Result<https::Response> response) {
                                   if (!response) return done(response.error());
                                   done(platform::Answer{response->status, std::move(response->body)});
                               });
    }

    void use(std::shared_ptr<const platform::tls::TlsContext> context) override {
        client_.use(std::move(context));
    }

private:
    https::HttpsClient client_;
    std::int64_t timeout_ms_;
};

}  // namespace

core::Result<std::unique_ptr<AccountTransport>> make_account_transport(
    boost::asio::io_context& loop, const std::string& url, const std::string& server_name,
    std::shared_ptr<const platform::tls::TlsContext> context, std::int64_t timeout_ms) {
    const auto account = config::parse_account_url(url);
    if (!account)
        return core::Error{
            core::ErrorCode::invalid, "url: \"" + url + "\" is not https://HOST[:PORT]", {}, "/url"};
    https::Endpoint endpoint{account->host, account->port, server_name};
    return std::unique_ptr<AccountTransport>(
        std::make_unique<HttpsTransport>(loop, std::move(endpoint), std::move(context), timeout_ms));
}

}  // namespace meterbox::agent
