// Routes and checks; the rules are in exchange.hpp and enrollment.hpp.
#include "account/agent_service.hpp"

#include "account/enrollment.hpp"
#include "account/exchange.hpp"
#include "account/renewal.hpp"
#include "account/retirement.hpp"
#include "account/standing.hpp"
#include "platform/http/tls_server.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
namespace http = platform::http;
namespace wire = core::wire;
using platform::system::Log;

namespace {

constexpr std::size_t session_bytes = 16;

Error error_of(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

template <class Reply>
http::Response answer(const Result<Reply>& reply) {
    if (!reply) return http::problem(reply.error());
    http::Response response;
    response.body = wire::to_json(*reply);
    return response;
}

struct Caller {
    std::string fingerprint;                     // of the certificate
    std::string name;                            // for the log
    std::optional<ShownCertificate> shown = {};  // if it is valid
};

Admission admit(Store& store, const Caller& caller, Purpose purpose) {
    Admission admission = admit(store.database(), caller.fingerprint, purpose, store.now());
    const auto* const refused = std::get_if<wire::Refusal>(&admission);
    const bool forgotten = refused && refused->standing == wire::Standing::unknown && caller.shown;
    if (!forgotten || !remember(store.database(), *caller.shown, store.now())) return admission;
    return admit(store.database(), caller.fingerprint, purpose, store.now());
}

// A contradiction is an admin's business at once; it is in the audit's findings as well.
template <class Reply>
const Result<Reply>& logged(Log& log, const std::string& agent, const Result<Reply>& reply) {
    if (!reply && reply.error().code == ErrorCode::conflict) {
        log.warn("agent.refused", {{"agent", agent}, {"detail", reply.error().detail}});
    }
    return reply;
}

http::Response run_enroll(Store& store, Log& log, const wire::EnrollRequest& request) {
    const auto reply = enroll(store, request);
    if (reply)
        log.info("agent.enrolled", {{"agent", reply->agent}, {"team", reply->team}, {"name", request.name}});
    if (!reply) log.debug("agent.not_enrolled", {{"name", request.name}, {"detail", reply.error().detail}});
    return answer(reply);
}

http::Response refusal(RefusalLog& refusals, const Caller& caller, const wire::Refusal& refused) {
    refusals.write("agent.refused", caller.name, refused.error.detail);
    http::Response response = http::problem(refused.error);
    response.body = wire::refusal_json(refused);
    return response;
}

http::Response run_hello(Store& store, Log& log, RefusalLog& refusals, const Caller& caller,
                         const wire::HelloRequest& request) {
    const Admission agent = admit(store, caller, Purpose::exchange);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const Agent& known = std::get<Agent>(agent);
    const Exchange exchange{store.database(), store.signer(), store.settings(), store.now()};
    const std::string session = platform::system::random_hex(store.random(), session_bytes);
    const auto reply = hello(exchange, known, request, session);
    if (reply && reply->verdict == wire::Verdict::fenced) {
        const bool waits = reply->session.empty();
        log.warn(waits ? "agent.fenced" : "agent.next_incarnation",
                 {{"agent", known.id},
                  {"incarnation", reply->incarnation},
                  {"waits", waits ? "for: agent allow" : "no"}});
    }
    return answer(logged(log, known.id, reply));
}

// To an agent whose hello nobody here can read: what is spoken here.
http::Response run_upgrade(Store& store, Log& log, RefusalLog& refusals, const Caller& caller) {
    const Admission agent = admit(store, caller, Purpose::exchange);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const Agent& known = std::get<Agent>(agent);
    log.warn("agent.other_version", {{"agent", known.id}});
    wire::HelloReply reply;
    reply.verdict = wire::Verdict::upgrade;
    reply.session = "none";
    reply.incarnation = known.incarnation;
    reply.server_time = store.now();
    return answer(Result<wire::HelloReply>(std::move(reply)));
}

http::Response run_sync(Store& store, Log& log, RefusalLog& refusals, const Caller& caller,
                        const wire::SyncRequest& request) {
    const Admission agent = admit(store, caller, Purpose::exchange);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const Agent& known = std::get<Agent>(agent);
    const Exchange exchange{store.database(), store.signer(),         store.settings(),
                            store.now(),      &store.active_agents(), &store.kept_pool()};
    return answer(logged(log, known.id, sync(exchange, known, request)));
}

http::Response run_renew(Store& store, Log& log, RefusalLog& refusals, const Caller& caller,
                         const wire::RenewRequest& request) {
    const Admission agent = admit(store, caller, Purpose::renew);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const auto reply = renew(store, std::get<Agent>(agent), request);
    if (reply) log.info("agent.renewed", {{"agent", std::get<Agent>(agent).id}});
    if (!reply) refusals.write("agent.refused", caller.name, reply.error().detail);
    return answer(reply);
}

http::Response run_retire(Store& store, Log& log, RefusalLog& refusals, const Caller& caller,
                          const wire::RetireRequest& request) {
    const Admission agent = admit(store, caller, Purpose::retire);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const Agent& known = std::get<Agent>(agent);
    const Exchange exchange{store.database(), store.signer(), store.settings(), store.now()};
    const std::string receipt = platform::system::random_hex(store.random(), session_bytes);
    const auto reply = retire(exchange, known, request, receipt);
    if (reply && reply->receipt == receipt) log.info("agent.retired", {{"agent", known.id}});
    return answer(logged(log, known.id, reply));
}

bool is_about_counters(const Error& error) {
    return error.pointer.starts_with("/resources/") || error.pointer.starts_with("/usage/");
}

// Numbers that no counter can have, or none at all: nothing of the message is taken, and who said it is
// known.
http::Response run_unreadable(Store& store, Log& log, RefusalLog& refusals, const Caller& caller,
                              Purpose purpose, const Error& error) {
    const Admission agent = admit(store, caller, purpose);
    if (const auto* refused = std::get_if<wire::Refusal>(&agent)) return refusal(refusals, caller, *refused);
    const std::string detail = error.pointer + ": " + error.detail;
    keep_evidence(store.database(), std::get<Agent>(agent), detail, store.now());
    log.warn("agent.refused", {{"agent", std::get<Agent>(agent).id}, {"detail", detail}});
    return http::problem(error);
}

// For the log: where from, and by which certificate if there is one.
std::string name_of(const http::Peer& peer) {
    return peer.certificate_subject.empty() ? peer.address : peer.address + " " + peer.certificate_subject;
}

// What the handshake found. One that is expired and nothing else is judged by the store, which knows what
// may still be done with it.
std::optional<Error> certificate_problem(const http::Peer& peer) {
    if (peer.certificate_fingerprint.empty()) {
        return error_of(ErrorCode::unauthenticated, "a client certificate is needed: enroll first");
    }
    const auto* const verified = http::verify_result_of(peer);
    if (verified == nullptr || verified->verdict == platform::tls::VerifyResult::Verdict::refused) {
        return error_of(ErrorCode::forbidden, "the client certificate: " + peer.certificate_problem);
    }
    return std::nullopt;
}

Caller caller_of(const http::Peer& peer) {
    Caller caller{peer.certificate_fingerprint, name_of(peer)};
    const auto* const certificate = http::certificate_of(peer);
    const bool valid = http::verify_result_of(peer)->verdict == platform::tls::VerifyResult::Verdict::valid;
    if (certificate && valid)
        caller.shown =
            ShownCertificate{certificate->common_name, certificate->organization, certificate->fingerprint,
                             certificate->key_fingerprint, certificate->not_after};
    return caller;
}

}  // namespace

void AgentService::handle(const http::Request& request, http::Responder responder) {
    const std::string_view path = request.path();
    const bool known = path == "/v1/enroll" || path == "/v1/hello" || path == "/v1/sync" ||
                       path == "/v1/renew" || path == "/v1/retire";
    if (!known) return responder.send(error_of(ErrorCode::not_found, "no such path: " + std::string(path)));
    if (request.method() != "POST") {
        return responder.send(http::wrong_method(std::string(path) + " takes POST", "POST"));
    }
    if (path == "/v1/enroll") {
        auto message = wire::enroll_request_from_json(request.body());
        if (!message) return responder.send(message.error());
        return jobs_.submit(std::move(responder), [&log = log_, message = std::move(*message)](Store& store) {
            return run_enroll(store, log, message);
        });
    }
    if (const auto problem = certificate_problem(request.peer())) {
        refusals_.write("agent.refused", name_of(request.peer()), problem->detail);
        return responder.send(*problem);
    }
    const Caller caller = caller_of(request.peer());
    const auto take = [&](auto message, Purpose purpose, auto run) {
        if (!message && is_about_counters(message.error())) {
            return jobs_.submit(std::move(responder),
                                [this, caller, purpose, error = message.error()](Store& store) {
                                    return run_unreadable(store, log_, refusals_, caller, purpose, error);
                                });
        }
        if (!message) return responder.send(message.error());
        jobs_.submit(
            std::move(responder),
            [this, caller, run, message = std::move(*message)](Store& store) {
                return run(store, log_, refusals_, caller, message);
            },
            caller.fingerprint);
    };
    if (path == "/v1/hello") {
        const auto spoken = wire::protocol_range_from_json(request.body());
        if (spoken && !wire::ProtocolRange{}.meets(*spoken)) {
            return jobs_.submit(std::move(responder), [this, caller](Store& store) {
                return run_upgrade(store, log_, refusals_, caller);
            });
        }
        return take(wire::hello_request_from_json(request.body()), Purpose::exchange, run_hello);
    }
    if (path == "/v1/sync")
        return take(wire::sync_request_from_json(request.body()), Purpose::exchange, run_sync);
    if (path == "/v1/renew")
        return take(wire::renew_request_from_json(request.body()), Purpose::renew, run_renew);
    take(wire::retire_request_from_json(request.body()), Purpose::retire, run_retire);
}

}  // namespace meterbox::account
