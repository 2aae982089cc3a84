#include "platform/http/unix_client.hpp"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/limits.hpp"
#include "platform/http/response_reader.hpp"

namespace meterbox::platform::http {
namespace {

using Clock = std::chrono::steady_clock;

core::Error unreachable(const std::string& detail) {
    return {core::ErrorCode::unreachable, detail, std::nullopt, {}};
}

std::string who_may(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return "be root, or a member of its group";
    const ::group* group = ::getgrgid(status.st_gid);  // a command line has one thread
    const std::string name = group == nullptr ? std::to_string(status.st_gid) : group->gr_name;
    return "be root, or a member of group '" + name + "'";
}

core::Error not_connected(const std::string& path, int reason) {
    const std::string what = std::strerror(reason);
    switch (reason) {
        case EACCES:
        case EPERM:
            return unreachable("no permission to use " + path + ": " + who_may(path));
        case ENOENT:
            return unreachable("there is no socket " + path +
                               ": start the daemon, or give its socket's path");
        case ECONNREFUSED:
            return unreachable("nobody listens at " + path + ": start the daemon, or give its socket's path");
        case EAGAIN:
            return unreachable("no answer from " + path + " in time: see whether the daemon is well");
        default:
            return unreachable("can't connect to " + path + ": " + what);
    }
}

// A connected socket, and until when it may take.
class Connection {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    core::Result<void> connect(const std::string& path, std::chrono::milliseconds timeout);
    core::Result<void> send(std::string_view bytes);
    // Reads once, waiting for it; false: the server closed.
    core::Result<bool> receive(ResponseReader& reader);
    // Reads what is there; false: the server closed, or broke the connection.
    bool receive_ready(ResponseReader& reader);
    int descriptor() const { return descriptor_; }

private:
    core::Result<void> wait(short events);

    std::string path_;
    int descriptor_ = -1;
    Clock::time_point deadline_{};
};

core::Result<void> Connection::connect(const std::string& path, std::chrono::milliseconds timeout) {
    path_ = path;
    deadline_ = Clock::now() + timeout;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return unreachable("the path of the socket is empty or too long: " + path);
    }
    path.copy(address.sun_path, path.size());
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) return not_connected(path, errno);
    // connect() to a Unix socket waits while the server's queue is full, for this long.
    timeval wait{};
    wait.tv_sec = static_cast<time_t>(timeout.count() / 1000);
    wait.tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int status = 0;
    do {
        status = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } while (status != 0 && errno == EINTR);
    if (status != 0) return not_connected(path, errno);
    return {};
}

core::Result<void> Connection::wait(short events) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
        if (left <= 0) return not_connected(path_, EAGAIN);
        pollfd descriptor{descriptor_, events, 0};
        const int ready = ::poll(&descriptor, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return not_connected(path_, errno);
    }
}

// A server that refuses a long body may close before it has read it: its answer is still there to read.
core::Result<void> Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(size));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return {};
        } else if (errno == EAGAIN) {
            if (const auto waited = wait(POLLOUT); !waited) return waited;
        } else if (errno != EINTR) {
            return not_connected(path_, errno);
        }
    }
    return {};
}

core::Result<bool> Connection::receive(ResponseReader& reader) {
    std::array<char, 16 * 1024> buffer;
    while (true) {
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size == 0) return false;
        if (size > 0) {
            const auto taken = reader.take({buffer.data(), static_cast<std::size_t>(size)});
            if (!taken) return core::Error{taken.error().code, path_ + ": " + taken.error().detail, {}, {}};
            return true;
        }
        if (errno == ECONNRESET) return false;
        if (errno != EAGAIN && errno != EINTR) return not_connected(path_, errno);
        if (const auto waited = wait(POLLIN); !waited) return waited.error();
    }
}

bool Connection::receive_ready(ResponseReader& reader) {
    std::array<char, 16 * 1024> buffer;
    while (true) {
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size > 0) {
            if (!reader.take({buffer.data(), static_cast<std::size_t>(size)})) return false;
        } else if (size == 0 || errno != EINTR) {
            return size < 0 && errno == EAGAIN;
        }
    }
}

std::string request_text(const ClientRequest& request, bool events) {
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: localhost\r\n";
    text += "Connection: close\r\n";
    if (events) text += "Accept: text/event-stream\r\n";
    if (!request.content_type.empty()) text += "Content-Type: " + request.content_type + "\r\n";
    if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
        text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    for (const auto& [name, value] : request.headers) {
        text += name + ": " + value + "\r\n";
    }
    return text + "\r\n" + request.body;
}

core::Result<void> receive_until_whole(Connection& connection, ResponseReader& reader,
                                       const std::string& path, bool stop_at_stream) {
    while (!reader.is_complete()) {
        if (stop_at_stream && reader.has_head() && reader.is_stream()) return {};
        const auto more = connection.receive(reader);
        if (!more) return more.error();
        if (*more) continue;
        const auto ended = reader.end();
        if (!ended) return core::Error{ended.error().code, path + ": " + ended.error().detail, {}, {}};
    }
    return {};
}

}  // namespace

core::Result<ClientResponse> request_unix(const std::string& path, const ClientRequest& request,
                                          std::chrono::milliseconds timeout, bool* connected) {
    Connection connection;
    if (const auto reached = connection.connect(path, timeout); !reached) return reached.error();
    if (connected != nullptr) *connected = true;
    if (const auto was_sent = connection.send(request_text(request, false)); !was_sent)
        return was_sent.error();
    ResponseReader reader(request.method == "HEAD", core::limits::client_answer_bytes_max);
    const auto received = receive_until_whole(connection, reader, path, false);
    if (!received) return received.error();
    return std::move(reader.response());
}

struct UnixEventReader::State {
    State() : reader(false, core::limits::client_answer_bytes_max) {}
    Connection connection;
    ResponseReader reader;
    bool closed = false;
    bool ended = false;
};

UnixEventReader::UnixEventReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
UnixEventReader::UnixEventReader(UnixEventReader&&) noexcept = default;
UnixEventReader& UnixEventReader::operator=(UnixEventReader&&) noexcept = default;
UnixEventReader::~UnixEventReader() = default;

const ClientResponse& UnixEventReader::response() const {
    return state_->reader.response();
}
bool UnixEventReader::is_stream() const {
    return state_->reader.is_stream();
}
int UnixEventReader::fd() const {
    return state_->connection.descriptor();
}
bool UnixEventReader::ended() const {
    return state_->ended;
}

std::optional<ServerEvent> UnixEventReader::next() {
    State& state = *state_;
    if (auto event = state.reader.next_event()) return event;
    if (!state.closed && !state.connection.receive_ready(state.reader)) state.closed = true;
    auto event = state.reader.next_event();
    state.ended = !event && state.closed;
    return event;
}

core::Result<UnixEventReader> open_events_unix(const std::string& path, const ClientRequest& request,
                                               std::chrono::milliseconds timeout) {
    auto state = std::make_unique<UnixEventReader::State>();
    if (const auto connected = state->connection.connect(path, timeout); !connected) return connected.error();
    if (const auto was_sent = state->connection.send(request_text(request, true)); !was_sent) {
        return was_sent.error();
    }
    const auto received = receive_until_whole(state->connection, state->reader, path, true);
    if (!received) return received.error();
    return UnixEventReader(std::move(state));
}

}  // namespace meterbox::platform::http
