// The operations of TlsStream: each a small state machine that asks the engine what it waits for,
// lets the next layer do that, and goes on. Included by tls_stream.hpp alone.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>

#include "core/assert.hpp"

namespace meterbox::platform::tls {

namespace detail {

inline boost::asio::mutable_buffer as_buffer(std::span<std::byte> bytes) {
    return {bytes.data(), bytes.size()};
}
inline boost::asio::const_buffer as_buffer(std::span<const std::byte> bytes) {
    return {bytes.data(), bytes.size()};
}

// Buffers shorter than this are put into one record instead of a record each.
inline constexpr std::size_t record_bytes = 16 * 1024;

}  // namespace detail

template <class Next>
boost::system::error_code TlsStream<Next>::error_of(TlsEngine::Answer answer) const {
    switch (answer) {
        case TlsEngine::Answer::closed:
            return boost::asio::error::eof;
        case TlsEngine::Answer::truncated:
            return TlsError::stream_truncated;
        case TlsEngine::Answer::failed:
            if (engine_.certificate_was_refused()) return TlsError::certificate_refused;
            return engine_.peer_refused() ? TlsError::peer_refused : TlsError::failed;
        default:
            return {};
    }
}

template <class Next>
struct TlsStream<Next>::HandshakeOperation {
    enum class Step { start, sending, receiving, leaving };
    TlsStream& stream;
    Step step = Step::start;
    boost::system::error_code outcome = {};

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t count = 0) {
        TlsEngine& engine = stream.engine_;
        if (step == Step::start) {
            METERBOX_ASSERT(!stream.writing_ && !stream.reading_);
            stream.writing_ = stream.reading_ = true;
        }
        if (step == Step::leaving) return finish(self);
        if (step == Step::sending) engine.output_sent(count);
        if (step == Step::receiving && !error) engine.input_received(count);
        if (step == Step::receiving && error == boost::asio::error::eof) {
            engine.input_ended();
            error = {};
        }
        if (error) {
            if (!outcome) outcome = error;
            return finish(self);
        }
        go_on(self);
    }

    template <class Self>
    void go_on(Self& self) {
        TlsEngine& engine = stream.engine_;
        const TlsEngine::Answer answer = engine.handshake();
        outcome = stream.error_of(answer);
        if (const auto output = engine.output(); !output.empty()) {
            step = Step::sending;
            return stream.next_.async_write_some(boost::asio::buffer(detail::as_buffer(output)),
                                                 std::move(self));
        }
        if (answer == TlsEngine::Answer::want_read) {
            step = Step::receiving;
            return stream.next_.async_read_some(boost::asio::buffer(detail::as_buffer(engine.input_space())),
                                                std::move(self));
        }
        if (step != Step::start) return finish(self);
        step = Step::leaving;
        boost::asio::post(std::move(self));
    }

    template <class Self>
    void finish(Self& self) {
        stream.writing_ = stream.reading_ = false;
        self.complete(outcome);
    }
};

template <class Next>
template <class Buffers>
struct TlsStream<Next>::ReadOperation {
    enum class Step { start, receiving, alerting, leaving };
    TlsStream& stream;
    Buffers buffers;
    Step step = Step::start;
    boost::system::error_code outcome = {};
    std::size_t total = 0;

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t count = 0) {
        TlsEngine& engine = stream.engine_;
        if (step == Step::start) {
            METERBOX_ASSERT(!stream.reading_);
            stream.reading_ = true;
            self.reset_cancellation_state(boost::asio::enable_total_cancellation());
        }
        if (step == Step::leaving) return finish(self);
        if (step == Step::alerting) {
            stream.writing_ = false;
            engine.output_sent(count);
            return finish(self);
        }
        if (step == Step::receiving && !error) engine.input_received(count);
        if (error == boost::asio::error::eof) {
            engine.input_ended();
            error = {};
        }
        if (error) {
            outcome = error;
            return finish(self);
        }
        if (boost::asio::buffer_size(buffers) > 0 && take() == TlsEngine::Answer::want_read) {
            step = Step::receiving;
            return stream.next_.async_read_some(boost::asio::buffer(detail::as_buffer(engine.input_space())),
                                                std::move(self));
        }
        if (engine.failed() && !stream.writing_ && !engine.output().empty()) {
            step = Step::alerting;
            stream.writing_ = true;
            return stream.next_.async_write_some(boost::asio::buffer(detail::as_buffer(engine.output())),
                                                 std::move(self));
        }
        if (step != Step::start) return finish(self);
        step = Step::leaving;
        boost::asio::post(std::move(self));
    }

    // As much as has come, over all records and buffers; want_read only if that is nothing.
    TlsEngine::Answer take() {
        for (auto at = boost::asio::buffer_sequence_begin(buffers);
             at != boost::asio::buffer_sequence_end(buffers); ++at) {
            boost::asio::mutable_buffer rest(*at);
            while (rest.size() > 0) {
                std::size_t count = 0;
                const auto answer =
                    stream.engine_.read({static_cast<std::byte*>(rest.data()), rest.size()}, count);
                if (answer != TlsEngine::Answer::done) {
                    if (total > 0) return TlsEngine::Answer::done;  // the engine says the same next time
                    outcome = stream.error_of(answer);
                    return answer;
                }
                total += count;
                rest += count;
            }
        }
        return TlsEngine::Answer::done;
    }

    template <class Self>
    void finish(Self& self) {
        stream.reading_ = false;
        self.complete(outcome, total);
    }
};

template <class Next>
template <class Buffers>
struct TlsStream<Next>::WriteOperation {
    enum class Step { start, sending, leaving };
    TlsStream& stream;
    Buffers buffers;
    Step step = Step::start;
    boost::system::error_code outcome = {};
    std::size_t total = 0;

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t count = 0) {
        if (step == Step::start) {
            METERBOX_ASSERT(!stream.writing_);
            stream.writing_ = true;
            self.reset_cancellation_state(boost::asio::enable_partial_cancellation());
            outcome = stream.error_of(put());
        }
        if (step == Step::leaving) return finish(self);
        if (step == Step::sending) stream.engine_.output_sent(count);
        if (error) {
            outcome = error;
            total = 0;
            return finish(self);
        }
        if (const auto output = stream.engine_.output(); !output.empty()) {
            step = Step::sending;
            return stream.next_.async_write_some(boost::asio::buffer(detail::as_buffer(output)),
                                                 std::move(self));
        }
        if (step != Step::start) return finish(self);
        step = Step::leaving;
        boost::asio::post(std::move(self));
    }

    // Small buffers together in one record, large ones as they are.
    TlsEngine::Answer put() {
        std::array<std::byte, detail::record_bytes> gathered;
        boost::asio::const_buffer first;
        for (auto at = boost::asio::buffer_sequence_begin(buffers);
             at != boost::asio::buffer_sequence_end(buffers); ++at) {
            first = boost::asio::const_buffer(*at);
            if (first.size() > 0) break;
        }
        if (first.size() == 0) return TlsEngine::Answer::done;
        if (first.size() < gathered.size() && first.size() < boost::asio::buffer_size(buffers)) {
            const std::size_t size = boost::asio::buffer_copy(boost::asio::buffer(gathered), buffers);
            first = boost::asio::const_buffer(gathered.data(), size);
        }
        return stream.engine_.write({static_cast<const std::byte*>(first.data()), first.size()}, total);
    }

    template <class Self>
    void finish(Self& self) {
        stream.writing_ = false;
        self.complete(outcome, total);
    }
};

template <class Next>
struct TlsStream<Next>::ShutdownOperation {
    enum class Step { start, sending, leaving };
    TlsStream& stream;
    Step step = Step::start;
    boost::system::error_code outcome = {};

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t count = 0) {
        if (step == Step::start) {
            METERBOX_ASSERT(!stream.writing_);
            stream.writing_ = true;
            outcome = stream.error_of(stream.engine_.close());
        }
        if (step == Step::leaving) return finish(self);
        if (step == Step::sending) stream.engine_.output_sent(count);
        if (error) {
            outcome = error;
            return finish(self);
        }
        if (const auto output = stream.engine_.output(); !output.empty()) {
            step = Step::sending;
            return stream.next_.async_write_some(boost::asio::buffer(detail::as_buffer(output)),
                                                 std::move(self));
        }
        if (step != Step::start) return finish(self);
        step = Step::leaving;
        boost::asio::post(std::move(self));
    }

    template <class Self>
    void finish(Self& self) {
        stream.writing_ = false;
        self.complete(outcome);
    }
};

template <class Next>
template <class Token>
auto TlsStream<Next>::async_handshake(Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code)>(HandshakeOperation{*this},
                                                                              token, next_);
}

template <class Next>
template <class Buffers, class Token>
auto TlsStream<Next>::async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        ReadOperation<Buffers>{*this, buffers}, token, next_);
}

template <class Next>
template <class Buffers, class Token>
auto TlsStream<Next>::async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        WriteOperation<Buffers>{*this, buffers}, token, next_);
}

template <class Next>
template <class Token>
auto TlsStream<Next>::async_shutdown(Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code)>(ShutdownOperation{*this}, token,
                                                                              next_);
}

}  // namespace meterbox::platform::tls
