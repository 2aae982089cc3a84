// Enroll, hello, sync: as meterboxd says them (agent/account_link.cpp).
#include "load_agent.hpp"

#include <chrono>

#include "platform/tls/encoding.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::bench {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Units;
namespace https = platform::https;
namespace tls = platform::tls;
namespace wire = core::wire;

namespace {

constexpr std::int64_t answer_ms = 60'000;
constexpr std::int64_t link_hash_digits = 64;
constexpr std::int64_t nonce_digits = 32;

core::UtcTime wall_now() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

// So many hex digits that are this agent's and this number's alone.
std::string name_in_hex(const std::string& agent, std::int64_t number, std::int64_t digits) {
    const auto hash = tls::sha256(agent + "/" + std::to_string(number));
    return tls::hex_encode(tls::bytes_of(hash)).substr(0, static_cast<std::size_t>(digits));
}

Error failure(std::string detail) {
    return {ErrorCode::internal, std::move(detail), std::nullopt, {}};
}

}  // namespace

LoadAgent::LoadAgent(boost::asio::io_context& loop, https::Endpoint account, https::Endpoint echo,
                     std::string ca_pem, std::string name)
    : loop_(loop),
      account_(std::move(account)),
      echo_(std::move(echo)),
      ca_pem_(std::move(ca_pem)),
      name_(std::move(name)) {}

template <class Reply, class Read>
void LoadAgent::exchange(std::string path, std::string body, Read read,
                         std::function<void(Result<Reply>)> done) {
    https::Request request;
    request.target = path;
    request.body = std::move(body);
    client_->async_exchange(
        std::move(request), answer_ms, [path, read, done](Result<https::Response> answer) {
            if (!answer) return done(answer.error());
            if (answer->status != 200)
                return done(failure(path + ": " + std::to_string(answer->status) + " " + answer->body));
            done(read(answer->body));
        });
}

void LoadAgent::join(const std::string& token, Done done) {
    auto key = tls::generate_key();
    if (!key) return done(key.error());
    key_pem_ = std::move(*key);
    auto request = tls::make_certificate_request(key_pem_, name_);
    if (!request) return done(request.error());
    auto context = tls::TlsContext::client({ca_pem_, {}, {}, {}, {}});
    if (!context) return done(context.error());
    client_ = std::make_unique<https::HttpsClient>(loop_, account_, *context);
    exchange<wire::EnrollReply>(
        "/v1/enroll", wire::to_json(wire::EnrollRequest{token, *request, name_}),
        wire::enroll_reply_from_json, [this, done](const Result<wire::EnrollReply>& reply) {
            if (!reply) return done(reply.error());
            id_ = reply->agent;
            auto mine = tls::TlsContext::client({ca_pem_, {}, reply->certificate, key_pem_, {}});
            if (!mine) return done(mine.error());
            client_->use(*mine);
            client_->drop();
            echo_client_ = std::make_unique<https::HttpsClient>(loop_, echo_, *mine);
            say_hello(done);
        });
}

void LoadAgent::next_link() {
    ++head_.sequence;
    head_.hash = name_in_hex(id_, head_.sequence, link_hash_digits);
}

void LoadAgent::say_hello(Done done) {
    next_link();
    wire::HelloRequest hello;
    hello.agent = id_;
    hello.boot_id = "load";
    hello.version = "load";
    hello.head = head_;
    hello.starts = {head_};
    hello.nonce = name_in_hex(id_, 0, nonce_digits);
    hello.clock = {wall_now(), "trusted", wall_now()};
    exchange<wire::HelloReply>("/v1/hello", wire::to_json(hello), wire::hello_reply_from_json,
                               [this, done](const Result<wire::HelloReply>& reply) {
                                   if (!reply) return done(reply.error());
                                   session_ = reply->session;
                                   catalogue_version_ = reply->catalogue_version;
                                   for (const core::Resource& resource : reply->catalogue)
                                       metered_.push_back({core::ResourceLedger(resource)});
                                   done(Synced{});
                               });
}

void LoadAgent::meter(Metered& metered, const Work& work) {
    const core::UtcTime now = wall_now();
    const core::UtcHour hour = core::hour_of(now);
    if (hour != metered.hour) {
        metered.hour = hour;
        metered.in_hour.clear();
        metered.units_in_hour.clear();
    }
    const Units before = metered.ledger.completed();
    note(metered, metered.ledger.meter(work.metered, core::Now::at(now)));
    completed_ += (metered.ledger.completed() - before).value();
}

// The same to each row of a subject and an hour.
void LoadAgent::tell(Metered& metered, const Work& work, std::vector<wire::UsageRow>& rows) {
    const auto add = [&](core::UtcHour hour, std::int64_t amount) {
        for (std::int64_t i = 1; i <= work.subjects; ++i)
            rows.push_back(
                {metered.ledger.resource().key, hour, "job " + std::to_string(i), core::Amount{amount}});
    };
    if (work.hours_of_before == 0) {
        core::Amount& all = metered.in_hour[work.subjects];
        all += work.metered;
        // Of another spread there may be rows of the same names: they only ever grow.
        return add(metered.hour, all.value() / work.subjects);
    }
    const std::int64_t each = work.metered.value() / work.subjects / work.hours_of_before;
    for (std::int64_t i = 0; i < work.hours_of_before; ++i)
        add({metered.hour.number - ++metered.told_hours_of_before}, each);
}

void LoadAgent::note(Metered& metered, const std::vector<core::Completion>& completions) {
    for (const core::Completion& completion : completions)
        metered.units_in_hour[metered.ledger.tranches()[completion.tranche].id] += completion.units;
}

wire::ResourceCounters LoadAgent::counters_of(const Metered& metered, const Work& work) const {
    const core::ResourceLedger& ledger = metered.ledger;
    const core::Now now = core::Now::at(wall_now());
    wire::ResourceCounters counters;
    counters.resource = ledger.resource().key;
    counters.metered = ledger.metered();
    counters.remainder = ledger.remainder();
    counters.overage_units = ledger.overage_units();
    counters.need = ledger.overage_units();
    counters.rate_per_hour = work.rate_per_hour;
    counters.idle = work.metered.value() == 0;
    Units granted;
    for (const core::Tranche& tranche : ledger.tranches()) {
        granted += tranche.granted - tranche.returned;
        counters.tranches.push_back({tranche.id, tranche.used, tranche.returned, {}});
        const auto here = metered.units_in_hour.find(tranche.id);
        if (here != metered.units_in_hour.end() && work.metered.value() > 0)
            counters.tranches.back().hours.push_back({metered.hour, here->second});
    }
    // Again when little is left; it need not be half of the last lease, for the account decides how much.
    if (ledger.spendable(now) <= Units{1}) counters.wanted = Units{1};
    return counters;
}

void LoadAgent::sync(const Work& work, Done done) {
    wire::SyncRequest request;
    request.session = session_;
    request.request_number = ++request_number_;
    request.catalogue_version = catalogue_version_;
    request.acknowledged = acknowledged_;
    if (work.metered.value() > 0) next_link();
    request.head = head_;
    for (Metered& metered : metered_) {
        if (work.metered.value() > 0) {
            meter(metered, work);
            tell(metered, work, request.usage);
        }
        request.resources.push_back(counters_of(metered, work));
    }
    last_body_ = wire::to_json(request);
    exchange<Synced>(
        "/v1/sync", last_body_, [this](const std::string& body) { return heard(body); }, std::move(done));
}

Result<Synced> LoadAgent::heard(const std::string& body) {
    auto reply = wire::sync_reply_from_json(body);
    if (!reply) return reply.error();
    acknowledged_ = head_;
    if (reply->acknowledged.sequence != head_.sequence) return failure("a sync wasn't acknowledged");
    Synced synced{std::exchange(completed_, 0), reply->lease.has_value()};
    if (!reply->lease) return synced;
    if (const auto taken = take_lease(*reply->lease); !taken) return taken.error();
    return synced;
}

// Its signature is the agent's business, and costs the agent's processor: here it is let pass.
Result<void> LoadAgent::take_lease(const std::string& jws) {
    const auto first = jws.find('.');
    const auto payload =
        tls::base64url_decode(std::string_view(jws).substr(first + 1, jws.find('.', first + 1) - first - 1));
    if (!payload) return failure("a lease that is no JWS");
    const auto lease = core::lease_from_json(*payload);
    if (!lease) return lease.error();
    for (const core::LeaseResource& resource : lease->resources) {
        for (Metered& metered : metered_) {
            if (metered.ledger.resource().key != resource.key) continue;
            note(metered, metered.ledger.take_lease(resource, core::Now::at(wall_now())));
        }
    }
    return {};
}

void LoadAgent::echo(Done done) {
    https::Request request;
    request.target = "/v1/sync";
    request.body = last_body_;
    echo_client_->async_exchange(std::move(request), answer_ms, [done](Result<https::Response> answer) {
        if (!answer) return done(answer.error());
        done(Synced{});
    });
}

}  // namespace meterbox::bench
