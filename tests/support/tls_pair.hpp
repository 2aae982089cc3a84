// A test's small world of TLS: one CA, a server's and an agent's credentials under it, and two engines
// joined in memory by a wire that carries so many bytes at a time and can be cut anywhere.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "platform/tls/tls_context.hpp"
#include "platform/tls/tls_engine.hpp"
#include "tests/support/tls_fixture.hpp"

namespace meterbox::tests {

using platform::tls::ClientAuth;
using platform::tls::ClientOptions;
using platform::tls::ServerOptions;
using platform::tls::TlsContext;
using platform::tls::TlsEngine;
using platform::tls::TlsPeer;
using ContextPointer = std::shared_ptr<const TlsContext>;

struct Credentials {
    std::string key;
    std::string certificate;
};

struct TlsWorld {
    core::UtcTime now = wall_clock();
    TestCa ca{now + -core::hour_ms};
    Credentials server = issue_server({"localhost", "127.0.0.1"});
    Credentials agent = issue_agent(now + -core::hour_ms, now + core::day_ms);

    Credentials issue_server(std::vector<std::string> names) const {
        return issue_server(std::move(names), now + -core::hour_ms, now + core::day_ms);
    }
    Credentials issue_server(std::vector<std::string> names, core::UtcTime from, core::UtcTime to) const {
        auto issued =
            platform::tls::issue_server_certificate(ca.certificate, ca.key, std::move(names), from, to)
                .value();
        return {issued.key, issued.certificate};
    }
    Credentials issue_agent(core::UtcTime from, core::UtcTime to) const {
        using namespace platform::tls;
        const std::string key = generate_key().value();
        const std::string request = make_certificate_request(key, "x").value();
        const CertificateWish wish{"agent-1", "team-a", {}, CertificatePurpose::client, from, to};
        return {key, issue_certificate(ca.certificate, ca.key, request, wish).value()};
    }
    ClientOptions client_options() const { return {ca.certificate, {}, agent.certificate, agent.key, {}}; }
    ServerOptions server_options() const {
        return {server.certificate, server.key, ca.certificate, ClientAuth::required, {}};
    }
    ContextPointer client() const { return TlsContext::client(client_options()).value(); }
    ContextPointer serving() const { return TlsContext::server(server_options()).value(); }
};

// One direction of the wire.
struct Wire {
    std::size_t piece = std::numeric_limits<std::size_t>::max();  // bytes carried at a time
    std::size_t cut_after = std::numeric_limits<std::size_t>::max();
    std::size_t flip_at = std::numeric_limits<std::size_t>::max();
    std::size_t carried = 0;
    bool cut = false;

    // Moves what there is; false if nothing moved.
    bool carry(TlsEngine& from, TlsEngine& to) {
        const auto output = from.output();
        if (cut || output.empty()) return false;
        const auto space = to.input_space();
        const std::size_t count = std::min({output.size(), space.size(), piece, cut_after - carried});
        if (count == 0) {
            cut = true;
            to.input_ended();
            return true;
        }
        std::memcpy(space.data(), output.data(), count);
        if (flip_at >= carried && flip_at < carried + count) space[flip_at - carried] ^= std::byte{0x20};
        carried += count;
        from.output_sent(count);
        to.input_received(count);
        return true;
    }
};

struct EnginePair {
    EnginePair(ContextPointer client_context, ContextPointer server_context,
               const std::string& name = "localhost")
        : client(std::move(client_context), TlsPeer{name, name + ":9443"}),
          server(std::move(server_context), TlsPeer{"", "10.0.0.7:5000"}) {}

    TlsEngine client;
    TlsEngine server;
    Wire up;
    Wire down;

    using Answer = TlsEngine::Answer;
    Answer client_answer = Answer::want_read;
    Answer server_answer = Answer::want_read;

    static bool waits(Answer answer) { return answer == Answer::want_read || answer == Answer::want_write; }
    // An engine waits for input: step may be called only after its input is used up, which want_read says.
    bool handshake() {
        client_answer = client.handshake();
        server_answer = server.handshake();
        bool moved = true;
        while (moved) {
            moved = false;
            while (waits(server_answer) && up.carry(client, server)) {
                server_answer = server.handshake();
                moved = true;
            }
            while (waits(client_answer) && down.carry(server, client)) {
                client_answer = client.handshake();
                moved = true;
            }
        }
        return client_answer == Answer::done && server_answer == Answer::done;
    }

    // Sends through one engine, and reads at the other until it waits; how it ended is in last.
    Answer last = Answer::done;
    std::string pass(TlsEngine& from, TlsEngine& to, Wire& wire, const std::string& text) {
        std::size_t count = 0;
        std::string got;
        for (std::size_t at = 0; at < text.size(); at += count)
            if (from.write(std::as_bytes(std::span(text).subspan(at)), count) != Answer::done) break;
        do {
            std::array<std::byte, 1000> chunk{};
            while ((last = to.read(chunk, count)) == Answer::done)
                got.append(reinterpret_cast<const char*>(chunk.data()), count);
        } while (last == Answer::want_read && wire.carry(from, to));
        return got;
    }
    std::string up_with(const std::string& text) { return pass(client, server, up, text); }
    std::string down_with(const std::string& text) { return pass(server, client, down, text); }
};

}  // namespace meterbox::tests
