#include "agent/enrollment.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "agent/account_refusal.hpp"
#include "agent/account_transport.hpp"
#include "core/wire.hpp"
#include "platform/tls/pki.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::agent {

namespace tls = platform::tls;

namespace {

core::Error invalid(std::string detail, std::string pointer) {
    return {core::ErrorCode::invalid, std::move(detail), {}, std::move(pointer)};
}

// mbt1.SECRET.FINGERPRINT: the CA that the account shows must have this SHA-256.
core::Result<tls::Sha256> ca_fingerprint_of(const std::string& token) {
    const std::size_t last_dot = token.rfind('.');
    const auto bytes = last_dot == std::string::npos
                           ? std::nullopt
                           : tls::base64url_decode(std::string_view(token).substr(last_dot + 1));
    tls::Sha256 fingerprint;
    if (!token.starts_with("mbt1.") || !bytes || bytes->size() != fingerprint.size())
        return invalid("token: this is no enrollment token; get one with: meterbox-account agent token TEAM",
                       "/token");
    std::copy(bytes->begin(), bytes->end(), fingerprint.begin());
    return fingerprint;
}

}  // namespace

void Enrollment::enroll(const EnrollmentOrder& order, Done done) {
    const auto refuse = [this, &done](core::Error error) {
        boost::asio::post(loop_, [done, error = std::move(error)] { done(error); });
    };
    if (done_) return refuse({core::ErrorCode::conflict, "an enrollment is in progress; try again", {}, {}});
    const auto fingerprint = ca_fingerprint_of(order.token);
    if (!fingerprint) return refuse(fingerprint.error());
    const auto key = files_.key();
    if (!key) return refuse(key.error());
    const auto request = tls::make_certificate_request(*key, "meterbox-agent");
    if (!request) return refuse(request.error());

    tls::ClientOptions options;
    options.trusted_pem = order.ca_pem;
    if (order.ca_pem.empty()) options.trusted_fingerprint = *fingerprint;
    options.judge_time = judge_time_;
    const auto context = tls::TlsContext::client(options);
    if (!context) return refuse(context.error());
    auto transport = make_account_transport(loop_, order.url, order.server_name, *context, order.timeout_ms);
    if (!transport) return refuse(transport.error());
    transport_ = std::move(*transport);
    done_ = std::move(done);
    core::wire::EnrollRequest message;
    message.token = order.token;
    message.request = *request;
    message.name = order.name;
    transport_->exchange("/v1/enroll", core::wire::to_json(message),
                         [this, order, key = *key](const core::Result<platform::Answer>& answer) {
                             heard(order, key, answer);
                         });
}

void Enrollment::heard(const EnrollmentOrder& order, const std::string& key,
                       const core::Result<platform::Answer>& answer) {
    core::Result<Identity> identity = judge(order, key, answer);
    if (identity) {
        const auto saved = files_.save(*identity);
        if (!saved) identity = saved.error();
    }
    const Done done = std::exchange(done_, {});
    // The transport is still inside its completion: it goes after this turn.
    boost::asio::post(loop_, [used = std::shared_ptr<platform::Transport>(std::move(transport_))] {});
    done(std::move(identity));
}

core::Result<Identity> Enrollment::judge(const EnrollmentOrder& order, const std::string& key,
                                         const core::Result<platform::Answer>& answer) const {
    if (!answer) return answer.error();
    if (answer->status != 200) return refusal_of(*answer).error;
    const auto reply = core::wire::enroll_reply_from_json(answer->body);
    if (!reply) return reply.error();
    const auto own = tls::key_fingerprint(key);
    if (!own) return own.error();
    if (!order.known_agent.empty() &&
        (reply->agent != order.known_agent || reply->account != order.known_account)) {
        return core::Error{core::ErrorCode::conflict,
                           "this journal is that of agent " + order.known_agent + " of account " +
                               order.known_account + ": to become another, begin with a new state folder",
                           {},
                           {}};
    }
    if (order.ca_pem.empty()) {
        const auto shown = tls::certificate_fingerprint(reply->ca);
        const auto promised = ca_fingerprint_of(order.token);
        if (!shown || *shown != *promised)
            return core::Error{
                core::ErrorCode::malformed, "the account's CA is not the one that the token names", {}, {}};
    }
    Identity identity;
    identity.agent = reply->agent;
    identity.team = reply->team;
    identity.account = reply->account;
    identity.url = order.url;
    identity.lease_keys = core::begin_line(reply->lease_keys);
    identity.key = key;
    identity.ca = order.ca_pem.empty() ? reply->ca : order.ca_pem;
    identity.key_fingerprint = *own;
    return with_certificate(std::move(identity), reply->certificate);
}

}  // namespace meterbox::agent
