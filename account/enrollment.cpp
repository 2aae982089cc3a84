// Tokens and certificates of agents.
#include "account/enrollment.hpp"

#include <algorithm>

#include "account/lease_keys.hpp"
#include "account/renewal.hpp"
#include "core/account_limits.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::EnrollReply;
using core::wire::EnrollRequest;
namespace tls = platform::tls;

namespace {

struct Token {
    std::string team;
    core::UtcTime expires_at;
    std::string key_fingerprint;  // empty: not used yet
    std::string agent;
};

std::string hash_of(const std::string& token) {
    return tls::hex_encode(tls::bytes_of(tls::sha256(token)));
}

// What would move a terminal's cursor when an admin lists agents.
bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

Error refused(std::string detail) {
    return {ErrorCode::forbidden, std::move(detail), std::nullopt, {}};
}

Result<Token> find_token(Store& store, const std::string& text) {
    auto found = store.database().first(
        "SELECT team, expires_at, coalesce(key_fingerprint, ''), coalesce(agent, '') FROM enrollment "
        "WHERE token_hash = ?",
        [](auto& row) {
            return Token{row.string(0), {row.integer(1)}, row.string(2), row.string(3)};
        },
        hash_of(text));
    if (!found)
        return refused("unknown enrollment token: make a new one with `meterbox-account agent token`");
    if (store.now() >= found->expires_at) {
        return refused(
            "the enrollment token has expired: make a new one with `meterbox-account agent token`");
    }
    return std::move(*found);
}

EnrollReply answer(Store& store, const std::string& agent, const std::string& team,
                   const std::string& certificate) {
    EnrollReply reply;
    reply.agent = agent;
    reply.team = team;
    reply.account = store.database()
                        .first("SELECT id FROM account", [](auto& row) { return row.string(0); })
                        .value_or("");
    reply.certificate = certificate + store.authority().certificate;
    reply.ca = store.authority().certificate;
    reply.lease_keys = lease_keys(store.database());
    reply.lease_keys.resize(
        std::min<std::size_t>(1, reply.lease_keys.size()));  // the newest: it is trusted as it comes
    return reply;
}

void bind(Store& store, const EnrollRequest& request, const std::string& key_fingerprint,
          const std::string& agent) {
    store.database().run("UPDATE enrollment SET key_fingerprint = ?, agent = ? WHERE token_hash = ?",
                         key_fingerprint, agent, hash_of(request.token));
}

Result<EnrollReply> enroll_new(Store& store, const EnrollRequest& request, const Token& token,
                               const std::string& key_fingerprint) {
    const std::string agent = "a-" + platform::system::random_hex(store.random(), 8);
    const auto issued = issue_agent_certificate(store, agent, token.team, request.request);
    if (!issued) return issued.error();
    store.database().run(
        "INSERT INTO agent (id, team, name, state, incarnation, key_fingerprint, certificate_fingerprint, "
        "certificate, certificate_expires_at, acknowledged, acknowledged_hash, lease_number, enrolled_at, "
        "unsettled_hour) VALUES (?, ?, ?, 'active', 1, ?, ?, ?, ?, 0, '', 0, ?, 0)",
        agent, token.team, request.name.empty() ? agent : request.name, key_fingerprint, issued->fingerprint,
        issued->pem, issued->expires_at, store.now());
    bind(store, request, key_fingerprint, agent);
    return answer(store, agent, token.team, issued->pem);
}

// An agent that is known, and whose certificate or memory of it is lost or too old: it stays who it is, with
// its counters and its lease.
Result<EnrollReply> enroll_again(Store& store, const EnrollRequest& request, const Token& token,
                                 const Agent& agent) {
    if (agent.team != token.team) {
        return refused("this machine's key is that of agent " + agent.id +
                       " of another team: give it a new state folder");
    }
    if (agent.state == "revoked" || agent.state == "retired") {
        return refused("this machine's key is that of agent " + agent.id + ", which is " + agent.state +
                       ": give it a new state folder");
    }
    const auto certificate = renewed_certificate(store, agent, request.request);
    if (!certificate) return certificate.error();
    bind(store, request, agent.key_fingerprint, agent.id);
    return answer(store, agent.id, agent.team, *certificate);
}

}  // namespace

Result<std::string> make_enrollment_token(Store& store, const std::string& team, std::int64_t ttl_ms) {
    const auto ca = tls::certificate_fingerprint(store.authority().certificate);
    if (!ca) return ca.error();
    const std::string token =
        "mbt1." + random_token(store.random()) + "." + tls::base64url_encode(tls::bytes_of(*ca));
    store.database().run(
        "INSERT INTO enrollment (token_hash, team, created_at, expires_at) VALUES (?, ?, ?, ?)",
        hash_of(token), team, store.now(), store.now() + ttl_ms);
    return token;
}

Result<EnrollReply> enroll(Store& store, const EnrollRequest& request) {
    const auto token = find_token(store, request.token);
    if (!token) return token.error();
    if (request.name.size() > core::limits::agent_name_bytes_max) {
        return Error{ErrorCode::invalid,
                     "the agent's name is longer than " + std::to_string(core::limits::agent_name_bytes_max) +
                         " bytes",
                     std::nullopt, "/name"};
    }
    if (std::ranges::any_of(request.name, is_control)) {
        return Error{ErrorCode::invalid, "the agent's name has control characters", std::nullopt, "/name"};
    }
    if (const auto checked = tls::check_certificate_request(request.request); !checked) {
        Error error = checked.error();
        error.pointer = "/request";
        return error;
    }
    const auto key_fingerprint = tls::request_key_fingerprint(request.request);
    if (!key_fingerprint) return key_fingerprint.error();
    if (token->key_fingerprint.empty()) {
        const auto known = find_agent_by_key(store.database(), *key_fingerprint);
        if (known) return enroll_again(store, request, *token, *known);
        return enroll_new(store, request, *token, *key_fingerprint);
    }
    if (token->key_fingerprint != *key_fingerprint) {
        return refused("the enrollment token was used already, with another key: make a new one");
    }
    const auto certificate = store.database().first(
        "SELECT certificate FROM agent WHERE id = ?", [](auto& row) { return row.string(0); }, token->agent);
    return answer(store, token->agent, token->team, certificate.value_or(""));
}

}  // namespace meterbox::account
