#include "platform/http/tls_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "platform/http/accept_loop.hpp"
#include "platform/http/conversation.hpp"
#include "platform/http/server_core.hpp"
#include "platform/http/socket_connection.hpp"
#include "platform/tls/tls_stream.hpp"

namespace meterbox::platform::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A conversation over TLS. The stream reads and writes one thing at a time into and out of memory
// that must hold still meanwhile, so each connection has a buffer of its own.
class TlsConnection final : public Conversation {
public:
    TlsConnection(std::shared_ptr<ServerCore> core, LoopSocket<tcp> socket, Peer peer,
                  std::shared_ptr<const tls::TlsContext> context)
        : Conversation(std::move(core), std::move(peer)),
          stream_(std::move(socket), std::move(context), {"", this->peer().address}) {
        error_code ignored;
        stream_.next_layer().non_blocking(true, ignored);
        stream_.next_layer().set_option(tcp::no_delay(true), ignored);
    }

    void handshake(HandshakeFailure on_failure);
    void advance() override;

private:
    std::shared_ptr<TlsConnection> self() {
        return std::static_pointer_cast<TlsConnection>(shared_from_this());
    }
    void know_peer();
    void go_on();
    void read();
    void was_read(error_code failure, std::size_t size);
    void write();
    void was_written(error_code failure, std::size_t size);
    void shut_down();
    void close_stream() override;

    tls::TlsStream<LoopSocket<tcp>> stream_;
    std::unique_ptr<char[]> input_;
    std::string output_;  // being written, from written_ on
    std::size_t written_ = 0;
    bool shaken_ = false;
    bool reading_ = false;
    bool writing_ = false;  // or shutting down
};

void TlsConnection::handshake(HandshakeFailure on_failure) {
    give_until(core().now_ms() + core().limits().request_timeout_ms);
    stream_.async_handshake([self = self(), on_failure = std::move(on_failure)](error_code failure) {
        if (self->is_gone()) return;
        if (failure) {
            const std::string& why = self->stream_.failure();
            if (on_failure) on_failure(self->peer().address, why.empty() ? failure.message() : why);
            self->drop();
            return;
        }
        self->shaken_ = true;
        self->give_until(never);
        self->know_peer();
        self->advance();
    });
}

void TlsConnection::know_peer() {
    if (const auto& certificate = stream_.peer_certificate()) {
        peer().certificate_fingerprint = certificate->fingerprint;
        peer().certificate_subject = "O=" + certificate->organization + ", CN=" + certificate->common_name;
    }
    const tls::VerifyResult& result = stream_.verify_result();
    peer().certificate_problem = result.reason;
    peer().tls = &stream_;
}

void TlsConnection::advance() {
    if (!shaken_) {
        if (core().is_draining()) drop();  // it has asked nothing yet
        return;
    }
    const Turn turn(*this);
    go_on();
}

void TlsConnection::go_on() {
    do {
        write();
    } while (handle_pending());
    if (is_gone()) return;
    if (!writing_ && wants_shutdown()) shut_down();
    if (!reading_ && wants_input()) read();
    update_deadline();
}

void TlsConnection::read() {
    if (!input_) input_.reset(new char[core::limits::kept_buffer_bytes]);
    reading_ = true;
    stream_.async_read_some(asio::buffer(input_.get(), core::limits::kept_buffer_bytes),
                            [self = self()](error_code failure, std::size_t size) {
                                self->reading_ = false;
                                if (!self->is_gone()) self->was_read(failure, size);
                            });
}

void TlsConnection::was_read(error_code failure, std::size_t size) {
    const Turn turn(*this);
    if (!failure) {
        take_input(std::string_view(input_.get(), size));
    } else if (failure == asio::error::eof && !is_streaming()) {
        end_of_input();
    } else {
        drop();
    }
    go_on();
}

void TlsConnection::write() {
    if (writing_ || is_gone()) return;
    if (output_.empty()) {
        if (unsent().empty()) return;
        output_ = take_unsent();
    }
    writing_ = true;
    stream_.async_write_some(asio::buffer(output_.data() + written_, output_.size() - written_),
                             [self = self()](error_code failure, std::size_t size) {
                                 self->writing_ = false;
                                 if (!self->is_gone()) self->was_written(failure, size);
                             });
}

void TlsConnection::was_written(error_code failure, std::size_t size) {
    if (failure) {
        drop();
        return;
    }
    sent(size);
    written_ += size;
    if (written_ == output_.size()) {
        std::string().swap(output_);
        written_ = 0;
    }
    advance();
}

// The goodbye waits for room as answers do: a client that reads nothing doesn't keep the connection for it.
void TlsConnection::shut_down() {
    writing_ = true;
    give_until(core().now_ms() + core::limits::linger_timeout_ms);
    stream_.async_shutdown([self = self()](error_code failure) {
        self->writing_ = false;
        if (self->is_gone()) return;
        error_code ignored;
        self->stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
        if (failure) {
            self->drop();
            return;
        }
        self->give_until(never);
        self->was_shut_down();
        self->advance();
    });
}

void TlsConnection::close_stream() {
    error_code ignored;
    stream_.next_layer().close(ignored);
}

}  // namespace

core::Result<void> listen_tls(Server& server, const std::string& host, std::uint16_t port,
                              ContextSource context, HandshakeFailure on_failure) {
    auto acceptor = open_tcp(server.core(), host, port);
    if (!acceptor) return acceptor.error();
    const auto converse = [context = std::move(context), on_failure = std::move(on_failure)](
                              const std::shared_ptr<ServerCore>& core, LoopSocket<tcp> socket, bool refused) {
        Peer peer;
        peer.address = address_text(socket);
        const auto connection =
            std::make_shared<TlsConnection>(core, std::move(socket), std::move(peer), context());
        if (refused) connection->refuse_requests();
        core->admit(connection);
        connection->handshake(on_failure);
    };
    listen<tcp>(server.core(), std::move(*acceptor), nullptr, Opening::handshake, converse);
    return {};
}

const tls::VerifyResult* verify_result_of(const Peer& peer) {
    if (peer.tls == nullptr) return nullptr;
    return &static_cast<const tls::TlsStream<LoopSocket<tcp>>*>(peer.tls)->verify_result();
}

const tls::CertificateInfo* certificate_of(const Peer& peer) {
    if (peer.tls == nullptr) return nullptr;
    const auto& certificate =
        static_cast<const tls::TlsStream<LoopSocket<tcp>>*>(peer.tls)->peer_certificate();
    return certificate ? &*certificate : nullptr;
}

}  // namespace meterbox::platform::http
