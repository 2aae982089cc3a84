#include "platform/https/https_client.hpp"

#include <utility>

#include "core/assert.hpp"
#include "platform/https/https_exchange.hpp"

namespace meterbox::platform::https {

// Shared with the exchange in flight, which may outlive the client.
struct HttpsClient::Kept {
    boost::asio::io_context& loop;
    Endpoint endpoint;
    std::shared_ptr<const tls::TlsContext> context;
    std::shared_ptr<Connection> connection = nullptr;
    std::shared_ptr<Exchange> exchange = nullptr;
    bool keep = true;  // the connection of the exchange in flight
};

HttpsClient::HttpsClient(boost::asio::io_context& loop, Endpoint endpoint,
                         std::shared_ptr<const tls::TlsContext> context)
    : kept_(new Kept{loop, std::move(endpoint), std::move(context)}) {}

HttpsClient::~HttpsClient() {
    if (kept_->exchange) kept_->exchange->abandon();
    kept_->exchange = nullptr;
    drop();
}

bool HttpsClient::busy() const {
    return kept_->exchange != nullptr;
}

void HttpsClient::async_exchange(Request request, std::int64_t timeout_ms, Completion done) {
    METERBOX_ASSERT(!busy() && timeout_ms > 0);
    kept_->keep = true;
    auto finished = [kept = kept_, done = std::move(done)](core::Result<Response> result,
                                                           std::shared_ptr<Connection> reusable) {
        kept->exchange = nullptr;
        if (kept->keep)
            kept->connection = std::move(reusable);
        else
            close_in_good_order(std::move(reusable));
        done(std::move(result));
    };
    kept_->exchange =
        std::make_shared<Exchange>(kept_->loop, kept_->endpoint, kept_->context, std::move(request),
                                   std::exchange(kept_->connection, nullptr), std::move(finished));
    kept_->exchange->start(timeout_ms);
}

void HttpsClient::use(std::shared_ptr<const tls::TlsContext> context) {
    kept_->context = std::move(context);
    drop();
}

void HttpsClient::drop() {
    kept_->keep = false;
    close_in_good_order(std::exchange(kept_->connection, nullptr));
}

}  // namespace meterbox::platform::https
