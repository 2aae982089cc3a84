// TLS over any Asio stream, as an Asio stream: AsyncReadStream, AsyncWriteStream, handshake and
// shutdown, with any completion token and per-operation cancellation; Beast takes it as it is.
// At most one read and one write (handshake and shutdown count as writes; no read during a handshake)
// at a time, all on the next layer's executor, which must be one thread or a strand. The stream must
// outlive its operations; it may be moved while there are none.
//
// A read ends with eof when the peer closed in good order, and with TlsError::stream_truncated when
// it didn't. A cancelled read loses nothing; after a cancelled write only closing makes sense.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "platform/tls/tls_engine.hpp"
#include "platform/tls/tls_error.hpp"

namespace meterbox::platform::tls {

namespace detail {

// The stream below all layers: where there is no further layer, the stream itself.
template <class Stream>
struct LowestLayer {
    using type = Stream;
    static type& of(Stream& stream) { return stream; }
};
template <class Stream>
requires requires {
    typename Stream::lowest_layer_type;
}
struct LowestLayer<Stream> {
    using type = typename Stream::lowest_layer_type;
    static type& of(Stream& stream) { return stream.lowest_layer(); }
};

}  // namespace detail

template <class Next>
class TlsStream {
public:
    using next_layer_type = std::remove_reference_t<Next>;
    using lowest_layer_type = typename detail::LowestLayer<next_layer_type>::type;
    using executor_type = typename next_layer_type::executor_type;

    // peer.name: whom a client's server must prove to be. The context says which end this is.
    TlsStream(Next next, std::shared_ptr<const TlsContext> context, TlsPeer peer)
        : next_(std::forward<Next>(next)), engine_(std::move(context), std::move(peer)) {}

    executor_type get_executor() { return next_.get_executor(); }
    next_layer_type& next_layer() { return next_; }
    const next_layer_type& next_layer() const { return next_; }
    lowest_layer_type& lowest_layer() { return detail::LowestLayer<next_layer_type>::of(next_); }

    // void(error_code). An alert to the peer is sent before it fails.
    template <class Token>
    auto async_handshake(Token&& token);

    // void(error_code, size_t), as Asio's AsyncReadStream and AsyncWriteStream have it.
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token);
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token);

    // void(error_code). Sends close_notify; doesn't wait for the peer's, and closes nothing below.
    template <class Token>
    auto async_shutdown(Token&& token);

    // After the handshake, successful or not.
    const std::optional<CertificateInfo>& peer_certificate() const { return engine_.peer_certificate(); }
    const VerifyResult& verify_result() const { return engine_.verify_result(); }
    // One line for people: why the handshake or the stream failed; empty if it didn't.
    const std::string& failure() const { return engine_.failure(); }
    bool resumed() const { return engine_.resumed(); }
    std::string protocol() const { return engine_.protocol(); }

private:
    struct HandshakeOperation;
    template <class Buffers>
    struct ReadOperation;
    template <class Buffers>
    struct WriteOperation;
    struct ShutdownOperation;

    boost::system::error_code error_of(TlsEngine::Answer answer) const;

    Next next_;
    TlsEngine engine_;
    bool reading_ = false;
    bool writing_ = false;
};

}  // namespace meterbox::platform::tls

#include "platform/tls/tls_stream_operations.hpp"
