// A closed loop of HTTP requests over a Unix socket: N connections, each with so many requests under
// way, one thread, epoll. Reports requests a second and how long answers took. It writes each request
// by changing its ids in place, so that it is not what is measured.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/durations.hpp"
#include "tests/bench/request_text.hpp"

namespace {

using meterbox::bench::Durations;
using meterbox::bench::RequestText;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "http_load: %s\n", what.c_str());
    std::exit(2);
}

constexpr const char* usage =
    "usage: http_load --socket PATH [--connections 8] [--depth 1] [--seconds 5] [--warmup 1] [--text]\n"
    "         --resource KEY | [--method GET] [--path /] [--header 'Name: value']... [--body TEXT|@FILE]\n"
    "         [--batch N] [--ids random|sequential]\n"
    "--resource KEY reports usage of it. {id} in the body or a header becomes a new id for each request;\n"
    "--batch N, from 2 on, makes the body a JSON array of N copies, each with ids of its own. The result\n"
    "is JSON, or with --text a line to read.\n";

constexpr const char* event_before_resource =
    R"({"specversion":"1.0","source":"/meterbox/bench","id":"{id}","type":")";
constexpr const char* event_after_resource =
    R"(","subject":"job 17","datacontenttype":"application/json","data":{"duration_ms":1250}})";

struct Options {
    std::string socket;
    std::size_t connections = 8;
    std::size_t depth = 1;
    double seconds = 5;
    double warmup = 1;
    std::string method = "GET";
    std::string path = "/";
    std::vector<std::string> headers;
    std::string body;
    std::string resource;
    std::size_t batch = 1;
    bool random_ids = true;
    bool text = false;
};

std::string text_or_file(const std::string& value) {
    if (!value.starts_with('@')) return value;
    std::ifstream file(value.substr(1), std::ios::binary);
    if (!file) die("can't read " + value.substr(1));
    return {std::istreambuf_iterator<char>(file), {}};
}

Options options_from(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        if (name == "--text") {
            options.text = true;
            continue;
        }
        if (i + 1 >= argc) die(name + " needs a value\n" + usage);
        const std::string value = argv[++i];
        if (name == "--socket")
            options.socket = value;
        else if (name == "--connections")
            options.connections = std::stoul(value);
        else if (name == "--depth")
            options.depth = std::stoul(value);
        else if (name == "--seconds")
            options.seconds = std::stod(value);
        else if (name == "--warmup")
            options.warmup = std::stod(value);
        else if (name == "--method")
            options.method = value;
        else if (name == "--path")
            options.path = value;
        else if (name == "--resource")
            options.resource = value;
        else if (name == "--header")
            options.headers.push_back(value);
        else if (name == "--body")
            options.body = text_or_file(value);
        else if (name == "--batch")
            options.batch = std::stoul(value);
        else if (name == "--ids")
            options.random_ids = value == "random";
        else
            die("unknown option " + name + "\n" + usage);
    }
    if (!options.resource.empty()) {
        options.method = "POST";
        options.path = "/v1/events";
        options.body = event_before_resource + options.resource + event_after_resource;
        options.headers.push_back(options.batch > 1 ? "Content-Type: application/cloudevents-batch+json"
                                                    : "Content-Type: application/cloudevents+json");
    }
    if (options.socket.empty()) die(std::string("--socket is missing\n") + usage);
    return options;
}

struct Answers {
    Durations durations;
    std::uint64_t not_2xx = 0;
    std::string first_failure;
};

class Connection {
public:
    Connection(const std::string& path, std::size_t depth) : depth_(depth) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) die("the socket's path is too long");
        path.copy(address.sun_path, path.size());
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            die("can't connect to " + path + ": " + std::strerror(errno));
        }
        ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    }
    int descriptor() const { return descriptor_; }

    void write(RequestText& request) {
        while (began_.size() < depth_) {
            out_ += request.next();
            began_.push_back(Clock::now());
        }
        flush();
    }

    // Takes the answers that are there.
    void read(Answers& answers) {
        static std::array<char, 64 * 1024> chunk;
        while (true) {
            const ssize_t size = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
            if (size == 0) die("the server closed a connection; last it said: " + in_.substr(0, 500));
            if (size < 0 && errno != EAGAIN) die(std::string("recv: ") + std::strerror(errno));
            in_.append(chunk.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            if (size < static_cast<ssize_t>(chunk.size())) break;
        }
        flush();
        std::size_t taken = 0;
        while (take_answer(std::string_view(in_).substr(taken), taken, answers)) {
        }
        in_.erase(0, taken);
    }

private:
    void flush() {
        while (!out_.empty()) {
            const ssize_t size = ::send(descriptor_, out_.data(), out_.size(), MSG_NOSIGNAL);
            if (size < 0 && errno == EAGAIN) return;  // goes on after the next answers
            if (size < 0) die(std::string("send: ") + std::strerror(errno));
            out_.erase(0, static_cast<std::size_t>(size));
        }
    }

    bool take_answer(std::string_view text, std::size_t& taken, Answers& answers) {
        const std::size_t head_end = text.find("\r\n\r\n");
        if (head_end == text.npos) return false;
        const std::string_view head = text.substr(0, head_end);
        const std::size_t field = head.find("Content-Length: ");
        const std::size_t length =
            field == head.npos ? 0 : std::strtoul(head.data() + field + 16, nullptr, 10);
        const std::size_t whole = head_end + 4 + length;
        if (text.size() < whole) return false;
        if (text.size() < 10 || text[9] != '2') {
            if (++answers.not_2xx == 1) answers.first_failure = text.substr(0, whole);
        }
        const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began_.front());
        answers.durations.add(static_cast<std::uint64_t>(took.count()));
        began_.pop_front();
        taken += whole;
        return true;
    }

    std::size_t depth_;
    int descriptor_ = -1;
    std::string out_;
    std::string in_;
    std::deque<Clock::time_point> began_;
};

void run(int poll, std::vector<Connection>& connections, RequestText& request, double seconds,
         Answers& answers) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::array<epoll_event, 256> events;
    while (Clock::now() < end) {
        const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < ready; ++i) {
            Connection& connection = connections[events[static_cast<std::size_t>(i)].data.u64];
            connection.read(answers);
            connection.write(request);
        }
    }
}

void print(const Options& options, const Answers& answers, double seconds) {
    const double rate = static_cast<double>(answers.durations.count()) / seconds;
    const double events = rate * static_cast<double>(options.batch);
    std::printf(
        options.text
            ? "%zu connections, depth %zu, batch %zu: %llu requests, %llu not 2xx, %.0f/s, %.0f events/s, "
              "p50 %.1f us, p99 %.1f us, max %.1f us\n"
            : "{\"connections\":%zu,\"depth\":%zu,\"batch\":%zu,\"requests\":%llu,\"not_2xx\":%llu,"
              "\"per_second\":%.0f,\"events_per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
              "\"max_us\":%.1f}\n",
        options.connections, options.depth, options.batch,
        static_cast<unsigned long long>(answers.durations.count()),
        static_cast<unsigned long long>(answers.not_2xx), rate, events, answers.durations.us_at(0.5),
        answers.durations.us_at(0.99), answers.durations.max_us());
    if (!answers.first_failure.empty()) {
        std::fprintf(stderr, "http_load: the first answer that is not 2xx:\n%s\n",
                     answers.first_failure.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = options_from(argc, argv);
    RequestText request(options.method, options.path, options.headers, options.body, options.batch,
                        options.random_ids);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Connection> connections;
    connections.reserve(options.connections);
    for (std::size_t i = 0; i < options.connections; ++i) {
        connections.emplace_back(options.socket, options.depth);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, connections.back().descriptor(), &event);
        connections.back().write(request);
    }
    Answers warm;
    run(poll, connections, request, options.warmup, warm);
    Answers answers;
    const auto begin = Clock::now();
    run(poll, connections, request, options.seconds, answers);
    print(options, answers, std::chrono::duration<double>(Clock::now() - begin).count());
    return answers.not_2xx == 0 ? 0 : 1;
}
