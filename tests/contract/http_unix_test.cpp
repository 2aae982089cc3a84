// Unix sockets: how their files come and go, who may use them, and the command line's client.
#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "platform/http/unix_client.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

constexpr std::chrono::milliseconds patience(patience_ms);

struct Nobody final : http::Handler {
    void handle(const http::Request&, http::Responder) override {}
};

// What listening at path gives: empty, or the error's text.
std::string try_listen(const std::string& path, const std::string& group = "") {
    boost::asio::io_context context;
    Nobody nobody;
    http::Server server(context, nobody);
    const auto listening = server.listen_unix(path, group, 0660);
    return listening ? "" : listening.error().detail;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void leave_dead_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(descriptor);
}

}  // namespace

TEST_CASE("a socket's file has the mode and group asked for, and is gone after the server") {
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    {
        boost::asio::io_context context;
        Nobody nobody;
        http::Server server(context, nobody);
        const ::group* own = ::getgrgid(::getgid());
        REQUIRE(own != nullptr);
        REQUIRE(server.listen_unix(path, own->gr_name, 0660));
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0660);
        CHECK(status.st_gid == ::getgid());
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("who asks over a socket is known by user and groups") {
    http::Peer seen;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        seen = request.peer();
        echo(request, std::move(responder));
    });
    const int groups = ::getgroups(0, nullptr);
    std::vector<gid_t> own(static_cast<std::size_t>(groups));
    REQUIRE(::getgroups(groups, own.data()) == groups);
    std::vector<gid_t> many = own;
    for (gid_t group = 1'000; group < 1'100; ++group) many.push_back(group);
    const bool changed = ::setgroups(many.size(), many.data()) == 0;  // where the test may
    HttpClient client(server.path());
    CHECK(client.ask(get("/")).status == 200);
    if (changed) REQUIRE(::setgroups(own.size(), own.data()) == 0);
    server.on_loop([] {});  // it has seen all
    CHECK(seen.uid == ::geteuid());
    CHECK(seen.gid == ::getegid());
    std::ranges::sort(seen.groups);
    std::vector<gid_t> expected = changed ? many : own;
    std::ranges::sort(expected);
    CHECK(seen.groups == expected);
}

TEST_CASE("a socket's file that a dead server left is replaced, a living server's is not") {
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    leave_dead_socket(path);
    boost::asio::io_context context;
    Nobody nobody;
    http::Server server(context, nobody);
    REQUIRE(server.listen_unix(path, "", 0600));
    CHECK(contains(try_listen(path), "another process listens there"));
    CHECK(std::filesystem::exists(path));
    HttpClient still_reachable(path);
}

TEST_CASE("a server removes its own socket's file alone") {
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    {
        boost::asio::io_context context;
        Nobody nobody;
        http::Server server(context, nobody);
        REQUIRE(server.listen_unix(path, "", 0600));
        std::filesystem::rename(path, path + ".old");
        leave_dead_socket(path);
    }
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("a socket that can't be is refused with what to do, and nothing is left behind") {
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    CHECK(contains(try_listen(path, "no-such-group"), "groupadd --system no-such-group"));
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(contains(try_listen((folder / "missing/s").string()), "folder doesn't exist"));
    CHECK(contains(try_listen((folder / std::string(120, 'x')).string()), "at most 107"));
    CHECK(contains(try_listen(""), "empty"));
    std::ofstream(path) << "a file";
    CHECK(contains(try_listen(path), "not a socket"));
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("a TCP port serves as well, and says where it is when it can't") {
    TemporaryFolder folder;
    HttpServer server(echo);
    server.on_loop([&] { REQUIRE(server.server().listen_tcp("localhost", 0)); });
    std::uint16_t port = 0;
    server.on_loop([&] {
        port = server.server().port();
        const auto again = server.server().listen_tcp("127.0.0.1", port);
        REQUIRE_FALSE(again);
        CHECK(contains(again.error().detail, "127.0.0.1:" + std::to_string(port)));
        CHECK(contains(server.server().listen_tcp("not an address", 1).error().detail, "not an IP address"));
    });
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    HttpClient client(descriptor);
    CHECK(client.ask(get("/tcp")).body == "GET /tcp ");
    CHECK(client.ask(post("/tcp", "again")).body == "POST /tcp again");
    client.send(get("/1"));
    client.end_sending();
    CHECK(client.answer().body == "GET /1 ");
    CHECK(client.rest().empty());
}

TEST_CASE("the command line's client gets status, headers and body") {
    HttpServer server([](const http::Request& request, http::Responder responder) {
        responder.send({201,
                        "text/plain",
                        std::string(request.header("X-A").value_or("none")) + "|" +
                            std::string(request.header("Content-Type").value_or("none")) + "|" +
                            std::string(request.body()),
                        {{"Location", "/x"}}});
    });
    const auto answer = http::request_unix(
        server.path(), {"POST", "/v1/x", {{"X-A", "b"}}, "application/json", "{}"}, patience);
    REQUIRE(answer);
    CHECK(answer->status == 201);
    CHECK(answer->content_type == "text/plain");
    CHECK(answer->body == "b|application/json|{}");
    CHECK(std::find(answer->headers.begin(), answer->headers.end(),
                    std::pair<std::string, std::string>("location", "/x")) != answer->headers.end());
}

TEST_CASE("the command line's client takes long answers, and sees 413 though its body was not taken") {
    HttpServer server([](const http::Request&, http::Responder responder) {
        responder.send(200, "text/plain", std::string(3'000'000, 'x'));
    });
    const auto answer = http::request_unix(server.path(), {"GET", "/"}, patience);
    REQUIRE(answer);
    CHECK(answer->body.size() == 3'000'000);
    const auto refused = http::request_unix(
        server.path(), {"POST", "/", {}, "text/plain", std::string(20'000'000, 'x')}, patience);
    REQUIRE(refused);
    CHECK(refused->status == 413);
}

TEST_CASE("the command line's client says what is wrong when nobody answers") {
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    const auto missing = http::request_unix(path, {}, patience);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == core::ErrorCode::unreachable);
    CHECK(contains(missing.error().detail, "there is no socket " + path));
    leave_dead_socket(path);
    CHECK(contains(http::request_unix(path, {}, patience).error().detail, "nobody listens at " + path));

    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    const auto silent = http::request_unix(server.path(), {}, std::chrono::milliseconds(30));
    REQUIRE_FALSE(silent);
    CHECK(silent.error().code == core::ErrorCode::unreachable);
    CHECK(contains(silent.error().detail, "no answer from " + server.path() + " in time"));
    CHECK(server.becomes([&] { return server.server().connections() == 0; }));
    server.on_loop([&] { held.clear(); });
}
