#include "platform/http/server.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "platform/http/accept_loop.hpp"
#include "platform/http/conversation.hpp"
#include "platform/http/listening_socket.hpp"
#include "platform/http/server_core.hpp"
#include "platform/http/socket_connection.hpp"

namespace meterbox::platform::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

std::vector<gid_t> groups_of(int socket) {
    std::array<gid_t, 32> few;  // as many as most have
    socklen_t size = sizeof few;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, few.data(), &size) == 0)
        return {few.begin(), few.begin() + size / sizeof(gid_t)};
    if (errno != ERANGE) return {};
    std::vector<gid_t> many(size / sizeof(gid_t));  // size is what it takes
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, many.data(), &size) != 0) return {};
    return many;
}

Peer peer_of(LoopSocket<stream_protocol>& socket) {
    Peer peer;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
        peer.uid = credentials.uid;
        peer.gid = credentials.gid;
        peer.pid = credentials.pid;
        peer.groups = groups_of(socket.native_handle());
    }
    return peer;
}

Peer peer_of(LoopSocket<tcp>& socket) {
    Peer peer;
    peer.address = address_text(socket);
    return peer;
}

template <class Protocol>
void converse(const std::shared_ptr<ServerCore>& core, LoopSocket<Protocol> socket, bool refused) {
    Peer peer = peer_of(socket);
    const auto connection =
        std::make_shared<SocketConnection<Protocol>>(core, std::move(socket), std::move(peer));
    if (refused) connection->refuse_requests();
    core->admit(connection);
    connection->advance();
}

}  // namespace

Server::Server(asio::io_context& context, Handler& handler, Limits limits)
    : core_(std::make_shared<ServerCore>(context, handler, limits)) {}

Server::~Server() {
    stop();
}

core::Result<void> Server::listen_unix(const std::string& path, const std::string& group, unsigned mode) {
    auto socket = UnixListeningSocket::open(path, group, mode);
    if (!socket) return socket.error();
    auto file = std::make_shared<UnixListeningSocket>(std::move(*socket));
    AcceptLoop<stream_protocol>::Acceptor acceptor(core_->context());
    acceptor.assign(stream_protocol(), file->release_descriptor());
    listen<stream_protocol>(*core_, std::move(acceptor), file, Opening::in_clear, converse<stream_protocol>);
    return {};
}

core::Result<void> Server::listen_tcp(const std::string& host, std::uint16_t port) {
    auto acceptor = open_tcp(*core_, host, port);
    if (!acceptor) return acceptor.error();
    listen<tcp>(*core_, std::move(*acceptor), nullptr, Opening::in_clear, converse<tcp>);
    return {};
}

std::uint16_t Server::port() const {
    return core_->port;
}
void Server::drain(std::int64_t timeout_ms, std::function<void()> done) {
    core_->drain(timeout_ms, std::move(done));
}
void Server::stop() {
    core_->stop();
}
std::size_t Server::connections() const {
    return core_->connections();
}

EventStream::EventStream(std::weak_ptr<Conversation> conversation, asio::io_context& context)
    : conversation_(std::move(conversation)), context_(&context) {}

EventStream::~EventStream() {
    close();
}

std::shared_ptr<Conversation> EventStream::open_conversation() const {
    auto conversation = conversation_.lock();
    if (conversation && conversation->is_gone()) conversation.reset();
    return conversation;
}

bool EventStream::send(std::string_view event, std::string_view data) {
    const auto conversation = open_conversation();
    return conversation && conversation->send_event(event, data);
}

void EventStream::close() {
    if (const auto conversation = open_conversation()) conversation->close_events();
}

bool EventStream::is_open() const {
    const auto conversation = open_conversation();
    return conversation && conversation->has_open_events();
}

void EventStream::on_close(std::function<void()> callback) {
    if (const auto conversation = open_conversation()) {
        conversation->on_gone(std::move(callback));
    } else {
        asio::post(*context_, std::move(callback));
    }
}

Responder::Responder(const std::shared_ptr<Conversation>& conversation, std::uint64_t number)
    : conversation_(conversation), context_(&conversation->context()), number_(number) {}

Responder& Responder::operator=(Responder&& other) noexcept {
    std::swap(conversation_, other.conversation_);
    std::swap(context_, other.context_);
    std::swap(number_, other.number_);
    return *this;
}

Responder::~Responder() {
    const auto conversation = conversation_.lock();
    if (!conversation || conversation->is_answered(number_)) return;
    send(core::Error{core::ErrorCode::internal, "the request was not answered", {}, {}});
}

std::shared_ptr<Conversation> Responder::take_conversation() {
    return std::exchange(conversation_, {}).lock();
}

void Responder::send(const Response& response) {
    const auto conversation = take_conversation();
    if (!conversation) return;
    conversation->answer(number_, response.status, response.content_type, response.body, response.headers);
}

void Responder::send(int status, std::string_view content_type, std::string_view body) {
    const auto conversation = take_conversation();
    if (conversation) conversation->answer(number_, status, content_type, body, {});
}

void Responder::send(const core::Error& error) {
    send(problem(error));
}

std::shared_ptr<EventStream> Responder::start_events(int status) {
    auto conversation = take_conversation();
    if (conversation && !conversation->start_events(number_, status)) {
        const Response refused = problem({core::ErrorCode::conflict,
                                          "this connection is the answer to another stream of events; "
                                          "use one for each",
                                          {},
                                          {}});
        conversation->answer(number_, refused.status, refused.content_type, refused.body, refused.headers);
        conversation.reset();  // its events, and its end, are the other stream's
    }
    return std::make_shared<EventStream>(conversation, *context_);
}

bool Responder::is_connected() const {
    const auto conversation = conversation_.lock();
    return conversation && !conversation->is_gone();
}

}  // namespace meterbox::platform::http
