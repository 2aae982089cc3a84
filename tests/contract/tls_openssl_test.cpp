// TLS between meterbox and the openssl command line, in both roles: another implementation agrees on
// certificates, suites, resumption and closing, and each refusal is clear on both sides.
#include "platform/tls/tls_stream.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child.hpp"
#include "tests/support/tls_loopback.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using platform::tls::TlsError;
namespace asio = boost::asio;

namespace {

// Files for openssl of a world's credentials.
struct OpensslFolder : PemFolder {
    explicit OpensslFolder(const TlsWorld& world) {
        write("ca.crt", world.ca.certificate);
        put("server", world.server);
        put("agent", world.agent);
    }
    void put(const std::string& name, const Credentials& credentials) const {
        write(name + ".crt", credentials.certificate);
        write(name + ".key", credentials.key);
    }
    std::string credentials(const std::string& name) const {
        return " -cert " + path(name + ".crt") + " -key " + path(name + ".key");
    }
    std::string trust() const { return " -CAfile " + path("ca.crt"); }
};

const std::string any_version = " -cipher ALL:@SECLEVEL=0";

// s_server on a free port; it reverses each line that it gets.
struct OpensslServer {
    OpensslServer(Loop& on, const std::string& options)
        : loop(on), child(on.io, "exec openssl s_server -accept 127.0.0.1:0 -rev" + options) {
        loop.until([this] { return child.says("ACCEPT 127.0.0.1:") && child.output().back() == '\n'; });
        const std::size_t at = child.output().find("ACCEPT 127.0.0.1:") + 17;
        port = static_cast<std::uint16_t>(std::stoi(child.output().substr(at)));
    }
    Loop& loop;
    Child child;
    std::uint16_t port = 0;
};

struct Client {
    Client(Loop& on, std::uint16_t port, ContextPointer context)
        : loop(on), stream(tcp::socket(on.io), std::move(context), {"localhost", "localhost:9443"}) {
        stream.lowest_layer().connect({asio::ip::address_v4::loopback(), port});
        stream.async_handshake(shaken.handler());
        loop.until_done(shaken);
    }
    std::string ask(const std::string& line) {
        std::string answer(line.size(), ' ');
        Outcome written;
        Outcome read;
        asio::async_write(stream, asio::buffer(line), written.handler());
        asio::async_read(stream, asio::buffer(answer), read.handler());
        loop.until_done(read);
        return answer;
    }
    Loop& loop;
    Stream stream;
    Outcome shaken;
};

// One connection of s_client to a server of ours, which answers one line with another and closes.
struct OpensslClient {
    OpensslClient(Loop& on, ContextPointer context, const std::string& options,
                  const std::string& program = "echo question | openssl s_client -ign_eof")
        : loop(on), acceptor(on.io, {asio::ip::address_v4::loopback(), 0}) {
        const std::string port = std::to_string(acceptor.local_endpoint().port());
        Child child(loop.io, program +
                                 " -verify_return_error -verify_hostname localhost"
                                 " -connect 127.0.0.1:" +
                                 port + options);
        tcp::socket socket(loop.io);
        Outcome accepted;
        acceptor.async_accept(socket, accepted.handler());
        loop.until_done(accepted);
        Stream stream(std::move(socket), std::move(context), {"", "127.0.0.1"});
        Outcome shaken;
        stream.async_handshake(shaken.handler());
        loop.until_done(shaken);
        error = shaken.error;
        failure = stream.failure();
        if (!error) talk(stream);
        if (failure.empty()) failure = stream.failure();
        stream.lowest_layer().close();
        loop.until([&child] { return child.ended(); });
        output = child.output();
        exit_code = child.exit_code();
    }
    void talk(Stream& stream) {
        std::string line(9, ' ');
        Outcome read;
        asio::async_read(stream, asio::buffer(line), read.handler());
        loop.until_done(read);
        error = read.error;
        if (error) return;
        question = line;
        protocol = stream.protocol();
        resumed = stream.resumed();
        if (stream.peer_certificate()) agent = stream.peer_certificate()->common_name;
        const std::string answer = "answer\n";
        Outcome written;
        Outcome closed;
        asio::async_write(stream, asio::buffer(answer), written.handler());
        loop.until_done(written);
        stream.async_shutdown(closed.handler());
        loop.until_done(closed);
    }
    bool says(const std::string& text) const { return output.find(text) != std::string::npos; }

    Loop& loop;
    tcp::acceptor acceptor;
    boost::system::error_code error;
    std::string failure;
    std::string question;
    std::string protocol;
    std::string agent;
    std::string output;
    bool resumed = false;
    int exit_code = -1;
};

}  // namespace

TEST_CASE("a client of ours talks to openssl s_server with both certificates checked, and resumes") {
    const TlsWorld world;
    const OpensslFolder folder(world);
    Loop loop;
    OpensslServer server(loop,
                         " -Verify 2 -verify_return_error" + folder.credentials("server") + folder.trust());
    const ContextPointer context = world.client();
    Client first(loop, server.port, context);
    REQUIRE_FALSE(first.shaken.error);
    CHECK(first.ask("minute\n") == "etunim\n");
    CHECK_FALSE(first.stream.resumed());
    Outcome closed;
    first.stream.async_shutdown(closed.handler());
    loop.until_done(closed);
    first.stream.lowest_layer().close();
    Client second(loop, server.port, context);
    REQUIRE_FALSE(second.shaken.error);
    CHECK(second.stream.resumed());
    CHECK(second.ask("again\n") == "niaga\n");
}

TEST_CASE("a client of ours takes each AEAD suite from openssl, and no other suite or version") {
    const TlsWorld world;
    const OpensslFolder folder(world);
    REQUIRE(std::system(("openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=rsa -days 1 -addext "
                         "subjectAltName=DNS:localhost -keyout " +
                         folder.path("rsa.key") + " -out " + folder.path("rsa.crt") + " 2>/dev/null")
                            .c_str()) == 0);
    Loop loop;
    const auto handshake = [&](const std::string& options, const std::string& credentials = "server") {
        OpensslServer server(loop, folder.credentials(credentials) + folder.trust() + options);
        const Client client(loop, server.port, world.client());
        CHECK(client.shaken.error ==
              (client.stream.failure().empty() ? boost::system::error_code() : client.shaken.error));
        return client.shaken.error ? client.stream.failure() : client.stream.protocol();
    };
    CHECK(handshake(" -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256") ==
          "TLSv1.2 TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256");
    CHECK(handshake(" -tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384") ==
          "TLSv1.2 TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384");
    CHECK(handshake(" -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305") ==
          "TLSv1.2 TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256");
    const std::string refused = "localhost:9443 refused the connection: ";
    CHECK(handshake(" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256").rfind(refused + "handshake failure", 0) ==
          0);
    CHECK(handshake(" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA").rfind(refused + "handshake failure", 0) == 0);
    CHECK(handshake(" -tls1_2 -cipher AES128-SHA", "rsa").rfind(refused + "handshake failure", 0) == 0);
    CHECK(handshake(" -tls1_2", "rsa").rfind(refused + "handshake failure", 0) == 0);
    CHECK(handshake(" -tls1_1" + any_version).rfind(refused, 0) == 0);
    CHECK(handshake(" -tls1" + any_version).rfind(refused, 0) == 0);
}

TEST_CASE("a client of ours refuses what openssl shows it, and both say why") {
    const TlsWorld world;
    const TlsWorld other;
    const OpensslFolder folder(world);
    folder.put("expired", world.issue_server({"localhost"}, {1'500'000'000'000}, {1'600'000'000'000}));
    folder.put("elsewhere", world.issue_server({"elsewhere.example"}));
    folder.put("other", other.server);
    Loop loop;
    const auto refused = [&](const std::string& credentials, const std::string& alert) {
        OpensslServer server(loop, folder.credentials(credentials));
        const Client client(loop, server.port, world.client());
        CHECK(client.shaken.error == TlsError::certificate_refused);
        loop.until([&] { return server.child.says(alert); });
        return client.stream.failure();
    };
    CHECK(refused("expired", "alert certificate expired") ==
          "certificate of localhost:9443 expired on 2020-09-13T12:26:40Z");
    CHECK(refused("elsewhere", "alert bad certificate") ==
          "certificate of localhost:9443 is for elsewhere.example, not for \"localhost\"");
    CHECK(refused("other", "alert unknown ca").find("isn't a CA trusted here") != std::string::npos);
    CHECK(refused("agent", "alert bad certificate").find("isn't meant for servers") != std::string::npos);
}

TEST_CASE("openssl s_server refuses a client of ours without, or with a bad, certificate, and both say why") {
    const TlsWorld world;
    const TlsWorld other;
    const OpensslFolder folder(world);
    Loop loop;
    const auto refused = [&](const Credentials& credentials, const std::string& said) {
        OpensslServer server(
            loop, " -Verify 2 -verify_return_error" + folder.credentials("server") + folder.trust());
        Client client(
            loop, server.port,
            TlsContext::client({world.ca.certificate, {}, credentials.certificate, credentials.key, {}})
                .value());
        CHECK(client.shaken.error == TlsError::peer_refused);
        loop.until([&] { return server.child.says(said); });
        return client.stream.failure();
    };
    CHECK(refused({}, "peer did not return a certificate").find("no certificate was shown to it") !=
          std::string::npos);
    CHECK(refused(world.issue_agent({1'500'000'000'000}, {1'600'000'000'000}), "certificate has expired") ==
          "localhost:9443 refused our certificate: certificate expired (TLS alert 45)");
    CHECK(refused(other.agent, "certificate verify failed").rfind("localhost:9443 refused ", 0) == 0);
}

TEST_CASE("openssl s_client talks to a server of ours with both certificates checked, and resumes") {
    const TlsWorld world;
    const OpensslFolder folder(world);
    Loop loop;
    const ContextPointer context = world.serving();
    const std::string options = folder.credentials("agent") + folder.trust();
    const OpensslClient first(loop, context, options + " -sess_out " + folder.path("session"));
    INFO(first.output);
    CHECK(first.question == "question\n");
    CHECK(first.agent == "agent-1");
    CHECK(first.says("answer"));
    CHECK(first.says("Verify return code: 0 (ok)"));
    CHECK(first.says("New, TLSv1.2, Cipher is ECDHE-ECDSA-AES"));
    CHECK(first.exit_code == 0);
    const OpensslClient second(loop, context, options + " -sess_in " + folder.path("session"));
    CHECK(second.says("Reused, TLSv1.2"));
    CHECK(second.resumed);
    CHECK(second.agent == "agent-1");
    CHECK(second.question == "question\n");
}

TEST_CASE("a server of ours refuses old versions, and suites without ECDHE-ECDSA and AEAD") {
    const TlsWorld world;
    const OpensslFolder folder(world);
    Loop loop;
    const auto refused = [&](const std::string& options, const std::string& said) {
        const OpensslClient client(loop, world.serving(),
                                   folder.credentials("agent") + folder.trust() + options);
        INFO(client.output);
        CHECK(client.error == TlsError::failed);
        CHECK(client.exit_code != 0);
        CHECK(client.says(said));
        return client.failure;
    };
    CHECK(refused(" -tls1_1" + any_version, "alert protocol version").rfind("TLS with 127.0.0.1: ", 0) == 0);
    CHECK(refused(" -tls1" + any_version, "alert protocol version").rfind("TLS with 127.0.0.1: ", 0) == 0);
    for (const std::string suite : {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES128-SHA",
                                    "AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"})
        CHECK(refused(" -tls1_2 -cipher " + suite, "alert handshake failure").find("TLS with 127.0.0.1: ") ==
              0);
}

TEST_CASE(
    "a server of ours refuses a client of openssl's without, or with a bad, certificate, and both say why") {
    const TlsWorld world;
    const TlsWorld other;
    const OpensslFolder folder(world);
    folder.put("expired", world.issue_agent({1'500'000'000'000}, {1'600'000'000'000}));
    folder.put("other", other.agent);
    Loop loop;
    const auto refused = [&](const std::string& options, const std::string& said) {
        const OpensslClient client(loop, world.serving(), folder.trust() + options);
        INFO(client.output);
        CHECK(client.error == TlsError::certificate_refused);
        CHECK(client.exit_code != 0);
        CHECK(client.says(said));
        return client.failure;
    };
    CHECK(refused("", "alert handshake failure") == "client at 127.0.0.1 showed no certificate");
    CHECK(refused(folder.credentials("expired"), "alert certificate expired") ==
          "certificate of client \"agent-1\" at 127.0.0.1 expired on 2020-09-13T12:26:40Z");
    CHECK(refused(folder.credentials("other"), "alert unknown ca").find("isn't a CA trusted here") !=
          std::string::npos);
    CHECK(refused(folder.credentials("server"), "alert unsupported certificate")
              .find("isn't meant for clients") != std::string::npos);
}

TEST_CASE("openssl s_client refuses a server of ours whose certificate it can't trust, and both say why") {
    const TlsWorld world;
    const TlsWorld other;
    const OpensslFolder folder(world);
    Loop loop;
    const auto refused = [&](const Credentials& credentials) {
        ServerOptions options = world.server_options();
        options.certificate_pem = credentials.certificate;
        options.key_pem = credentials.key;
        const OpensslClient client(loop, TlsContext::server(options).value(),
                                   folder.credentials("agent") + folder.trust());
        CHECK(client.error == TlsError::peer_refused);
        CHECK(client.exit_code != 0);
        return client.failure;
    };
    CHECK(refused(other.server) == "127.0.0.1 refused our certificate: unknown CA (TLS alert 48)");
    CHECK(refused(world.issue_server({"localhost"}, {1'500'000'000'000}, {1'600'000'000'000})) ==
          "127.0.0.1 refused our certificate: certificate expired (TLS alert 45)");
    CHECK(
        refused(world.issue_server({"elsewhere.example"})).rfind("127.0.0.1 refused our certificate: ", 0) ==
        0);
}

TEST_CASE("a client that asks for renegotiation is sent away") {
    const TlsWorld world;
    const OpensslFolder folder(world);
    Loop loop;
    // Its input stays open, or it would leave before it is sent away.
    const std::string pipe = folder.path("pipe");
    const std::string program =
        "mkfifo " + pipe + "; exec 3<>" + pipe + "; echo R >&3; exec openssl s_client <&3";
    const OpensslClient client(loop, world.serving(), folder.credentials("agent") + folder.trust(), program);
    INFO(client.output);
    CHECK(client.error == TlsError::failed);
    CHECK(client.failure == "127.0.0.1 asked for TLS renegotiation, which is off");
    CHECK(client.says("RENEGOTIATING"));
    CHECK(client.exit_code != 0);
}
