#include "agent/renewal.hpp"

#include <algorithm>
#include <utility>

#include "agent/account_refusal.hpp"
#include "core/backoff.hpp"
#include "core/limits.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::agent {

namespace limits = core::limits;
namespace tls = platform::tls;

Renewal::Renewal(platform::system::Timers& timers, const AgentTime& time, IdentityFiles files,
                 platform::system::Random& random, platform::system::Log& log, Connect connect,
                 Renewed renewed, Refused refused)
    : timer_(timers.make([this] {
          if (failures_ > 0) return ask();
          reconsider();
      })),
      time_(time),
      files_(std::move(files)),
      random_(random),
      log_(log),
      connect_(std::move(connect)),
      renewed_(std::move(renewed)),
      refused_(std::move(refused)) {}

void Renewal::watch(Identity identity) {
    identity_ = std::move(identity);
    failures_ = 0;
    last_error_.clear();
    reconsider();
}

void Renewal::stop() {
    stopped_ = true;
    timer_->cancel();
    transport_.reset();
}

bool Renewal::expired() const {
    return identity_ && identity_->life.expired(time_.for_certificates());
}

void Renewal::reconsider() {
    if (stopped_ || !identity_ || transport_ || failures_ > 0) return;
    used_.reset();
    if (identity_->life.renewal_due(time_.for_certificates())) return ask();
    // Time may pass while the machine sleeps, and what is known of it may change.
    timer_->arm(limits::certificate_check_ms);
}

void Renewal::refused_as_expired() {
    if (stopped_ || !identity_ || transport_) return;
    if (failures_ > 0) {
        if (may_ask_sooner()) ask();
        return;
    }
    if (!renewed_at_ || time_.boot() - *renewed_at_ >= limits::renewal_backoff_base_ms) return ask();
    failed({core::ErrorCode::forbidden,
            "the account takes the certificate that it has just issued for expired: check its clock",
            {},
            {}});
    doubted_ = true;
}

void Renewal::taken() {
    if (failures_ > 0 && may_ask_sooner()) return ask();
    if (doubted_) {
        doubted_ = false;
        failures_ = 0;
        last_error_.clear();
    }
    reconsider();
}

// Not more often than that: it may be this one request that gets no answer.
bool Renewal::may_ask_sooner() const {
    return unheard_ && (!asked_at_ || time_.boot() - *asked_at_ >= limits::renewal_sooner_ms);
}

void Renewal::ask() {
    if (stopped_ || transport_) return;
    used_.reset();
    asked_at_ = time_.boot();
    unheard_ = doubted_ = false;
    const auto request = tls::make_certificate_request(identity_->key, "meterbox-agent");
    if (!request) return failed(request.error());
    auto transport = connect_(*identity_);
    if (!transport) return failed(transport.error());
    transport_ = std::move(*transport);
    transport_->exchange("/v1/renew", core::wire::to_json(core::wire::RenewRequest{*request}),
                         [this](const core::Result<platform::Answer>& answer) { heard(answer); });
}

void Renewal::heard(const core::Result<platform::Answer>& answer) {
    used_ = std::move(transport_);
    core::Result<Identity> identity = judge(answer);
    if (identity) {
        const auto saved = files_.save_certificate(*identity);
        if (!saved) identity = saved.error();
    }
    if (!identity) {
        const bool too_late = !answer && !identity_->life.may_renew(time_.for_certificates());
        const core::Error why = too_late ? past_renewal(identity.error()) : identity.error();
        failed(why);
        unheard_ = !answer;
        if ((too_late || (answer && refusal_of(*answer).standing)) && refused_) refused_(why);
        return;
    }
    log_.info("certificate.renewed",
              {{"agent", identity->agent}, {"expires_at", core::format_rfc3339(identity->life.ends_at)}});
    failures_ = 0;
    last_error_.clear();
    renewed_at_ = time_.boot();
    identity_ = std::move(*identity);
    // Not reconsidered at once: an account whose clock is behind ours may give what we hold to be due.
    timer_->arm(limits::certificate_check_ms);
    renewed_(*identity_);
}

// What the account will say once it is there: who stands at the machine meanwhile needn't wait for it.
core::Error Renewal::past_renewal(const core::Error& unheard) const {
    core::Error why = unheard;
    why.detail = "the certificate of agent " + identity_->agent + " expired on " +
                 core::format_rfc3339(identity_->life.ends_at) +
                 ", too long ago to be renewed: enroll this agent again, with a token from `meterbox-account "
                 "agent token " +
                 identity_->team + "`, once its account answers (" + unheard.detail + ")";
    return why;
}

core::Result<Identity> Renewal::judge(const core::Result<platform::Answer>& answer) const {
    if (!answer) return answer.error();
    if (answer->status != 200) return refusal_of(*answer).error;
    const auto reply = core::wire::renew_reply_from_json(answer->body);
    if (!reply) return reply.error();
    return with_certificate(*identity_, reply->certificate);
}

void Renewal::failed(const core::Error& error) {
    if (failures_ == 0 || last_error_ != error.detail)
        log_.warn("certificate.not_renewed", {{"detail", error.detail}});
    last_error_ = error.detail;
    ++failures_;
    timer_->arm(core::backoff_ms(failures_, limits::renewal_backoff_base_ms, limits::renewal_backoff_max_ms,
                                 random_.number()));
}

}  // namespace meterbox::agent
