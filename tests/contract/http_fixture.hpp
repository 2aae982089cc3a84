// A server of platform/http on a thread of its own, with a handler made of a function, and a client
// that sends exactly the bytes it is told to and says what came back. Every wait ends with a failure
// after ten seconds.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "platform/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::tests {

namespace http = platform::http;
inline constexpr int patience_ms = 10'000;

struct HttpAnswer {
    int status = 0;
    std::string head;
    std::string body;
    bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class HttpClient {
public:
    explicit HttpClient(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
        }
    }
    explicit HttpClient(int connected) : descriptor_(connected) {}
    HttpClient(HttpClient&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), input_(std::move(other.input_)) {}
    ~HttpClient() { close(); }

    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }
    void end_sending() { ::shutdown(descriptor_, SHUT_WR); }
    int descriptor() const { return descriptor_; }

    // False: the server took no more.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (size >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(size));
            } else if (errno != EAGAIN || !ready(POLLOUT)) {
                return false;
            }
        }
        return true;
    }

    HttpAnswer answer(bool head_only = false) {
        HttpAnswer answer;
        while (input_.find("\r\n\r\n") == std::string::npos) receive();
        const std::size_t end = input_.find("\r\n\r\n") + 4;
        answer.head = input_.substr(0, end);
        input_.erase(0, end);
        answer.status = std::stoi(answer.head.substr(9, 3));
        const std::size_t field = answer.head.find("Content-Length: ");
        if (field == std::string::npos || head_only) return answer;
        const std::size_t length = std::stoul(answer.head.substr(field + 16));
        while (input_.size() < length) receive();
        answer.body = input_.substr(0, length);
        input_.erase(0, length);
        return answer;
    }
    HttpAnswer ask(std::string_view request) {
        send(request);
        return answer();
    }

    // What comes until a mark was seen, the mark included.
    std::string until(std::string_view mark) {
        while (input_.find(mark) == std::string::npos) receive();
        const std::size_t end = input_.find(mark) + mark.size();
        std::string text = input_.substr(0, end);
        input_.erase(0, end);
        return text;
    }
    // All that comes until the server closes.
    std::string rest() {
        try {
            while (true) receive();
        } catch (const Closed&) {
        }
        return std::exchange(input_, {});
    }

private:
    struct Closed : std::runtime_error {
        using std::runtime_error::runtime_error;
    };

    bool ready(short events) {
        pollfd descriptor{descriptor_, events, 0};
        return ::poll(&descriptor, 1, patience_ms) == 1;
    }
    void receive() {
        if (!ready(POLLIN)) throw std::runtime_error("no answer; so far: " + input_.substr(0, 500));
        char buffer[64 * 1024];
        const ssize_t size = ::recv(descriptor_, buffer, sizeof buffer, 0);
        if (size <= 0) throw Closed("closed; so far: " + input_.substr(0, 500));
        input_.append(buffer, static_cast<std::size_t>(size));
    }

    int descriptor_ = -1;
    std::string input_;
};

class HttpServer final : public http::Handler {
public:
    using Function = std::function<void(const http::Request&, http::Responder)>;

    explicit HttpServer(Function function, http::Limits limits = {})
        : function_(std::move(function)), path_((folder_ / "s").string()), server_(context_, *this, limits) {
        if (const auto listening = server_.listen_unix(path_, "", 0600); !listening) {
            throw std::runtime_error(listening.error().detail);
        }
        thread_ = std::thread([this] { context_.run(); });
    }
    ~HttpServer() override {
        on_loop([this] { server_.stop(); });
        work_.reset();
        thread_.join();
    }

    const std::string& path() const { return path_; }
    http::Server& server() { return server_; }
    boost::asio::io_context& context() { return context_; }

    // Runs it on the loop thread, and waits for its end.
    void on_loop(std::function<void()> function) {
        std::promise<void> done;
        boost::asio::post(context_, [&] {
            function();
            done.set_value();
        });
        done.get_future().wait();
    }
    // Asks on the loop thread until it is so.
    bool becomes(std::function<bool()> condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
        bool is_so = false;
        while (!is_so && std::chrono::steady_clock::now() < end) {
            on_loop([&] { is_so = condition(); });
            if (!is_so) std::this_thread::yield();
        }
        return is_so;
    }

private:
    void handle(const http::Request& request, http::Responder responder) override {
        function_(request, std::move(responder));
    }

    TemporaryFolder folder_;
    Function function_;
    std::string path_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    http::Server server_;
    std::thread thread_;
};

// Answers each request with its method, path and body.
inline void echo(const http::Request& request, http::Responder responder) {
    responder.send(200, "text/plain",
                   std::string(request.method()) + " " + std::string(request.path()) + " " +
                       std::string(request.body()));
}

inline std::string post(const std::string& path, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\n\r\n";
}

}  // namespace meterbox::tests
