// The six messages: each comes back from its JSON, has the names of docs/PROTOCOL.md, and refuses
// what is missing, ill-typed or beyond its limits with the pointer of what is wrong.
#include "core/wire.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/json_edit.hpp"
#include "tests/unit/core_parsing/samples.hpp"

using namespace meterbox::core;
using namespace meterbox::core::wire;
using meterbox::tests::edited;
using meterbox::tests::Samples;
using meterbox::tests::without;

namespace {

const std::string key_x(43, 'x');
const LeaseKey lease_key{"k1", key_x, key_x};

EnrollReply enroll_reply() {
    return {"agent-1", "blue", "account-1", "PEM", "CA", {lease_key}};
}

ResourceCounters counters() {
    ResourceCounters counters;
    counters.resource = "render";
    counters.metered = Amount{2'500};
    counters.remainder = Amount{500};
    counters.tranches = {{"t1", Units{2}, Units{1}, {{UtcHour{1}, Units{2}}}}};
    return counters;
}

HelloRequest hello_request() {
    HelloRequest message;
    message.agent = "agent-1";
    message.boot_id = "boot";
    message.version = "0.1.0";
    message.head = {7, "h"};
    message.resources = {counters()};
    message.nonce = "0123456789abcdef0123456789abcdef";
    message.clock = {{1}, "trusted", {2}};
    return message;
}

HelloReply hello_reply() {
    HelloReply message;
    message.session = "s1";
    message.acknowledged = {7, ""};
    message.catalogue = {
        {"render", "Render", Kind::exhaustible, Measure::duration, Amount{1000}, Enforcement::hard}};
    message.lease_keys = {lease_key};
    return message;
}

SyncRequest sync_request() {
    SyncRequest message;
    message.session = "s1";
    message.request_number = 4;
    message.resources = {counters()};
    message.usage = {{"render", UtcHour{1}, "job", Amount{2'500}}};
    message.acknowledged = {6, "g"};
    message.head = {7, "h"};
    return message;
}

SyncReply sync_reply() {
    SyncReply message;
    message.lease = "a.b.c";
    message.recall = {{"render", Units{3}}};
    message.wait_ticket = "ticket";
    Card card;
    card.resource = "render";
    message.cards = {card};
    message.next_sync_ms = 10'000;
    message.catalogue = hello_reply().catalogue;
    return message;
}

// JSON of the value that was read from JSON: equal texts, equal values.
template <class Message, class Read>
void comes_back(const Message& message, Read read) {
    const std::string text = to_json(message);
    const Result<Message> back = read(text);
    REQUIRE(back);
    REQUIRE(to_json(*back) == text);
}

template <class Read>
std::string pointer_of(Read read, const std::string& text) {
    const auto message = read(text);
    if (message) return "taken";
    CHECK(message.error().code == ErrorCode::malformed);
    return message.error().pointer;
}

// Each member is required and typed: gone, null, and of two wrong types.
template <class Read>
void requires_members(Read read, const std::string& text, std::initializer_list<const char*> members) {
    REQUIRE(read(text));
    for (const char* member : members) {
        INFO(member);
        CHECK_FALSE(read(without(text, member)));
        CHECK(pointer_of(read, edited(text, member, nullptr)) == member);
        CHECK(pointer_of(read, edited(text, member, 0.5)) == member);
        CHECK(pointer_of(read, edited(text, member, "\n")) == member);
        CHECK(pointer_of(read, edited(text, member, boost::json::object{})).starts_with(member));
    }
}

// An integer's range, from both sides.
template <class Read>
void has_range(Read read, const std::string& text, const char* member, std::int64_t min, std::int64_t max) {
    INFO(member);
    CHECK(pointer_of(read, edited(text, member, min)) == "taken");
    CHECK(pointer_of(read, edited(text, member, min - 1)) == member);
    CHECK(pointer_of(read, edited(text, member, max)) == "taken");
    CHECK(pointer_of(read, edited(text, member, max + 1)) == member);
}

// A text's longest length, from both sides.
template <class Read>
void has_length(Read read, const std::string& text, const char* member, std::size_t max) {
    INFO(member);
    CHECK(pointer_of(read, edited(text, member, std::string(max, 'a'))) == "taken");
    CHECK(pointer_of(read, edited(text, member, std::string(max + 1, 'a'))) == member);
}

}  // namespace

TEST_CASE("each enrollment comes back from its JSON") {
    Samples samples{1};
    for (int i = 0; i < 200; ++i) {
        comes_back(EnrollRequest{samples.id(), samples.text(1, 2'000), samples.id()},
                   enroll_request_from_json);
        comes_back(
            EnrollReply{samples.id(), samples.key(), samples.id(), samples.text(1, 2'000),
                        samples.text(1, 500), samples.list<LeaseKey>(3, [&] { return samples.lease_key(); })},
            enroll_reply_from_json);
    }
}

TEST_CASE("each hello comes back from its JSON") {
    Samples samples{2};
    for (int i = 0; i < 300; ++i) {
        HelloRequest request = hello_request();
        request.protocol_max = static_cast<int>(samples.integer(1, limits::protocol_version_max));
        request.incarnation = samples.integer(1, limits::counter_max);
        request.boot_id = samples.text(0, 40);
        request.version = samples.text(0, 20);
        request.head = samples.head();
        request.last_lease = samples.text(0, 500);
        request.resources = samples.list<ResourceCounters>(4, [&] { return samples.counters(); });
        request.clock = {samples.time(), samples.coin() ? "estimated" : "unset", samples.time()};
        comes_back(request, hello_request_from_json);

        HelloReply reply = hello_reply();
        reply.session = samples.id();
        reply.epoch = samples.integer(1, limits::counter_max);
        reply.verdict = static_cast<Verdict>(samples.between(0, 4));
        reply.acknowledged = samples.head();
        reply.server_time = samples.time();
        reply.catalogue = samples.list<Resource>(4, [&] { return samples.resource(); });
        reply.catalogue_version = samples.integer(0, limits::counter_max);
        reply.lease_keys = samples.list<LeaseKey>(3, [&] { return samples.lease_key(); });
        comes_back(reply, hello_reply_from_json);
        CHECK(hello_reply_from_json(to_json(reply))->catalogue == reply.catalogue);
        CHECK(hello_reply_from_json(to_json(reply))->lease_keys == reply.lease_keys);
    }
}

TEST_CASE("each sync comes back from its JSON") {
    Samples samples{3};
    for (int i = 0; i < 300; ++i) {
        SyncRequest request{samples.id(),   samples.integer(0, limits::counter_max), {}, {}, samples.head(),
                            samples.head(), samples.integer(0, limits::counter_max)};
        request.resources = samples.list<ResourceCounters>(4, [&] { return samples.counters(); });
        request.usage = samples.list<UsageRow>(5, [&] { return samples.usage_row(); });
        comes_back(request, sync_request_from_json);

        SyncReply reply;
        reply.request_number = samples.integer(0, limits::counter_max);
        reply.acknowledged = samples.head();
        reply.server_time = samples.time();
        reply.lease = samples.maybe([&] { return samples.text(1, 900); });
        reply.recall = samples.list<Recall>(2, [&] { return Recall{samples.key(), samples.units()}; });
        reply.wait_ticket = samples.maybe([&] { return samples.id(); });
        reply.cards = samples.list<Card>(3, [&] { return samples.card(); });
        reply.next_sync_ms = samples.maybe([&] { return samples.between(1, 86'400) * second_ms; });
        reply.catalogue =
            samples.maybe([&] { return samples.list<Resource>(3, [&] { return samples.resource(); }); });
        comes_back(reply, sync_reply_from_json);
        const Result<SyncReply> back = sync_reply_from_json(to_json(reply));
        CHECK(back->cards == reply.cards);
        CHECK(back->next_sync_ms == reply.next_sync_ms);
        CHECK(back->catalogue == reply.catalogue);
        CHECK(back->lease == reply.lease);
    }
}

TEST_CASE("a hello has the names of the protocol") {
    CHECK(
        to_json(hello_request()) ==
        R"({"protocol_min":1,"protocol_max":1,"agent":"agent-1","incarnation":1,"boot_id":"boot","version":"0.1.0",)"
        R"("journal":{"sequence":7,"hash":"h"},"last_lease":null,"resources":[{"resource":"render","M":2500,"q":500,)"
        R"("tranches":[{"tranche":"t1","U":2,"R":1,"hours":[{"hour":"1970-01-01T01:00:00Z","units":2}]}],)"
        R"("H":0,"need":0,"wanted":0,"rate":0,"idle":false,"overage":0}],"nonce":"0123456789abcdef0123456789abcdef",)"
        R"("clock":{"estimate":"1970-01-01T00:00:00.001Z","quality":"trusted","high_water":"1970-01-01T00:00:00.002Z"}})");
    CHECK(
        to_json(hello_reply()) ==
        R"({"protocol":1,"session":"s1","epoch":1,"incarnation":1,"verdict":"ok","acknowledged":{"sequence":7,"hash":""},)"
        R"("server_time":"1970-01-01T00:00:00Z","catalogue":[{"key":"render","name":"Render","kind":"exhaustible",)"
        R"("measure":"duration","unit_size":1000,"enforcement":"hard"}],"catalogue_version":0,"lease_keys":{"keys":[)"
        R"({"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":")" +
            key_x + R"(","y":")" + key_x + R"("}]}})");
}

TEST_CASE("a sync has the names of the protocol") {
    SyncRequest request = sync_request();
    request.resources.clear();
    CHECK(to_json(request) ==
          R"({"session":"s1","request_number":4,"resources":[],"usage":[{"resource":"render",)"
          R"("hour":"1970-01-01T01:00:00Z","subject":"job","usage":2500}],"journal":{"acknowledged":)"
          R"({"sequence":6,"hash":"g"},"head":{"sequence":7,"hash":"h"}},"catalogue_version":0})");
    CHECK(
        to_json(SyncReply{}) ==
        R"({"request_number":0,"acknowledged":{"sequence":0,"hash":""},"server_time":"1970-01-01T00:00:00Z",)"
        R"("lease":null,"recall":[],"wait_ticket":null,"cards":[],"next_sync_s":null,"catalogue":null,)"
        R"("catalogue_version":0})");
}

TEST_CASE("the next sync is told in whole seconds, never in none") {
    const auto seconds_of = [](std::int64_t ms) {
        SyncReply reply;
        reply.next_sync_ms = ms;
        return *sync_reply_from_json(to_json(reply))->next_sync_ms;
    };
    CHECK(seconds_of(10'000) == 10'000);
    CHECK(seconds_of(1) == 1'000);
    CHECK(seconds_of(0) == 1'000);
    CHECK(seconds_of(1'001) == 2'000);
}

TEST_CASE("an enrollment with a member missing, ill-typed or too long is refused") {
    const std::string request = to_json(EnrollRequest{"token", "PEM", "machine"});
    requires_members(enroll_request_from_json, request, {});
    for (const char* member : {"/token", "/request", "/name"}) {
        CHECK(pointer_of(enroll_request_from_json, without(request, member)) == member);
        CHECK(pointer_of(enroll_request_from_json, edited(request, member, "")) == member);
        CHECK(pointer_of(enroll_request_from_json, edited(request, member, 5)) == member);
    }
    has_length(enroll_request_from_json, request, "/token", limits::message_text_bytes_max);
    has_length(enroll_request_from_json, request, "/request", limits::message_pem_bytes_max);
    has_length(enroll_request_from_json, request, "/name", limits::message_text_bytes_max);

    const std::string reply = to_json(enroll_reply());
    requires_members(enroll_reply_from_json, reply, {"/team", "/lease_keys/keys"});
    for (const char* member : {"/agent", "/account", "/certificate", "/ca"}) {
        CHECK(pointer_of(enroll_reply_from_json, without(reply, member)) == member);
        CHECK(pointer_of(enroll_reply_from_json, edited(reply, member, "")) == member);
    }
    has_length(enroll_reply_from_json, reply, "/agent", limits::message_id_bytes_max);
    has_length(enroll_reply_from_json, reply, "/certificate", limits::message_pem_bytes_max);
    CHECK(pointer_of(enroll_reply_from_json, without(reply, "/lease_keys")) == "/lease_keys");
}

TEST_CASE("a lease key that isn't an ES256 signer's is refused") {
    const std::string reply = to_json(enroll_reply());
    const auto pointer_with = [&reply](const std::string& member, meterbox::tests::Json value) {
        return pointer_of(enroll_reply_from_json,
                          edited(reply, "/lease_keys/keys/0" + member, value));
    };
    for (const char* member : {"/kty", "/crv", "/use", "/alg"}) {
        CHECK(pointer_with(member, "RSA") == std::string{"/lease_keys/keys/0"} + member);
    }
    CHECK(pointer_with("/x", std::string(42, 'x')) == "/lease_keys/keys/0/x");
    CHECK(pointer_with("/y", std::string(44, 'x')) == "/lease_keys/keys/0/y");
    CHECK(pointer_with("/y", std::string(42, 'x') + "=") == "/lease_keys/keys/0/y");
    CHECK(pointer_with("/kid", "") == "/lease_keys/keys/0/kid");
    EnrollReply many = enroll_reply();
    many.lease_keys.assign(limits::message_lease_keys_max, lease_key);
    CHECK(enroll_reply_from_json(to_json(many)));
    many.lease_keys.push_back(lease_key);
    CHECK(enroll_reply_from_json(to_json(many)).error().pointer == "/lease_keys/keys");
}

TEST_CASE("a hello with a member missing or ill-typed is refused") {
    requires_members(hello_request_from_json, to_json(hello_request()),
                     {"/protocol_min",
                      "/protocol_max",
                      "/incarnation",
                      "/journal/sequence",
                      "/resources",
                      "/nonce",
                      "/clock/estimate",
                      "/clock/quality",
                      "/clock/high_water",
                      "/resources/0/resource",
                      "/resources/0/M",
                      "/resources/0/q",
                      "/resources/0/tranches",
                      "/resources/0/H",
                      "/resources/0/need",
                      "/resources/0/wanted",
                      "/resources/0/rate",
                      "/resources/0/idle",
                      "/resources/0/overage",
                      "/resources/0/tranches/0/U",
                      "/resources/0/tranches/0/R",
                      "/resources/0/tranches/0/hours",
                      "/resources/0/tranches/0/hours/0/hour",
                      "/resources/0/tranches/0/hours/0/units"});
    requires_members(
        hello_reply_from_json, to_json(hello_reply()),
        {"/protocol", "/epoch", "/incarnation", "/verdict", "/acknowledged/sequence", "/server_time",
         "/catalogue", "/catalogue/0/key", "/catalogue/0/kind", "/catalogue/0/measure",
         "/catalogue/0/unit_size", "/catalogue/0/enforcement", "/catalogue_version"});
    CHECK(pointer_of(hello_request_from_json, without(to_json(hello_request()), "/agent")) == "/agent");
    CHECK(pointer_of(hello_request_from_json, without(to_json(hello_request()), "/journal")) == "/journal");
    CHECK(pointer_of(hello_request_from_json, edited(to_json(hello_request()), "/clock", 1)) == "/clock");
    CHECK(pointer_of(hello_reply_from_json, edited(to_json(hello_reply()), "/session", "")) == "/session");
}

TEST_CASE("ranges and lengths of a hello, from both sides") {
    const std::string request = to_json(hello_request());
    has_range(hello_request_from_json, request, "/protocol_max", 1, limits::protocol_version_max);
    has_range(hello_request_from_json, request, "/incarnation", 1, limits::counter_max);
    has_range(hello_request_from_json, request, "/journal/sequence", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/M", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/q", 0, limits::unit_size_max);
    has_range(hello_request_from_json, request, "/resources/0/overage", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/U", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/R", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/hours/0/units", 0,
              limits::counter_max);
    has_length(hello_request_from_json, request, "/agent", limits::message_id_bytes_max);
    has_length(hello_request_from_json, request, "/boot_id", limits::message_id_bytes_max);
    has_length(hello_request_from_json, request, "/version", limits::message_text_bytes_max);
    has_length(hello_request_from_json, request, "/last_lease", limits::lease_bytes_max);
    has_length(hello_request_from_json, request, "/journal/hash", limits::message_text_bytes_max);
    has_length(hello_request_from_json, request, "/resources/0/resource", limits::key_bytes_max);
    has_length(hello_request_from_json, request, "/resources/0/tranches/0/tranche",
               limits::message_id_bytes_max);
    CHECK(pointer_of(hello_request_from_json, edited(request, "/protocol_min", 2)) == "/protocol_max");
    const std::string reply = to_json(hello_reply());
    has_range(hello_reply_from_json, reply, "/epoch", 1, limits::counter_max);
    has_range(hello_reply_from_json, reply, "/catalogue/0/unit_size", 1, limits::unit_size_max);
    has_length(hello_reply_from_json, reply, "/catalogue/0/name", limits::message_text_bytes_max);
}

TEST_CASE("a hello of a later protocol is read, so that it can be told to speak an older one") {
    HelloRequest later = hello_request();
    later.protocol_min = 2;
    later.protocol_max = 3;
    CHECK(hello_request_from_json(to_json(later))->protocol_min == 2);
}

TEST_CASE("a nonce is 16 bytes in lower-case hex") {
    const std::string request = to_json(hello_request());
    for (const char* nonce : {"0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
                              "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdeg0123456789abcdef"}) {
        CHECK(pointer_of(hello_request_from_json, edited(request, "/nonce", nonce)) == "/nonce");
    }
}

TEST_CASE("hours are starts of hours, and each is there once") {
    const std::string request = to_json(hello_request());
    const char* hour = "/resources/0/tranches/0/hours/0/hour";
    CHECK(pointer_of(hello_request_from_json, edited(request, hour, "2026-11-23T19:00:00Z")) == "taken");
    CHECK(pointer_of(hello_request_from_json, edited(request, hour, "2026-11-23T19:00:00.001Z")) == hour);
    CHECK(pointer_of(hello_request_from_json, edited(request, hour, "2026-11-23T19:30:00Z")) == hour);
    HelloRequest twice = hello_request();
    auto& hours = twice.resources[0].tranches[0].hours;
    hours.push_back(hours[0]);
    CHECK(pointer_of(hello_request_from_json, to_json(twice)) == "/resources/0/tranches/0/hours");
}

TEST_CASE("a resource or tranche named twice in one message is refused") {
    HelloRequest hello = hello_request();
    hello.resources.push_back(hello.resources[0]);
    CHECK(pointer_of(hello_request_from_json, to_json(hello)) == "/resources");
    SyncRequest sync = sync_request();
    sync.resources[0].tranches.push_back(sync.resources[0].tranches[0]);
    CHECK(pointer_of(sync_request_from_json, to_json(sync)) == "/resources/0/tranches");
    HelloReply reply = hello_reply();
    reply.catalogue.push_back(reply.catalogue[0]);
    CHECK(pointer_of(hello_reply_from_json, to_json(reply)) == "/catalogue");
}

TEST_CASE("lists are taken to their limits and not one longer") {
    SyncRequest sync = sync_request();
    sync.usage.assign(limits::sync_usage_rows_max, sync.usage[0]);
    CHECK(sync_request_from_json(to_json(sync)));
    sync.usage.push_back(sync.usage[0]);
    CHECK(pointer_of(sync_request_from_json, to_json(sync)) == "/usage");

    HelloRequest hello = hello_request();
    auto& hours = hello.resources[0].tranches[0].hours;
    for (std::size_t i = hours.size(); i < limits::message_hours_max; ++i) {
        hours.push_back({{static_cast<std::int64_t>(i + 1)}, Units{1}});
    }
    CHECK(hello_request_from_json(to_json(hello)));
    hours.push_back({{0}, Units{1}});
    CHECK(pointer_of(hello_request_from_json, to_json(hello)) == "/resources/0/tranches/0/hours");

    hello = hello_request();
    for (std::size_t i = 1; i < limits::message_resources_max; ++i) {
        hello.resources.push_back(counters());
        hello.resources.back().resource += std::to_string(i);
    }
    CHECK(hello_request_from_json(to_json(hello)));
    hello.resources.push_back(counters());
    hello.resources.back().resource = "one-more";
    CHECK(pointer_of(hello_request_from_json, to_json(hello)) == "/resources");
}

TEST_CASE("a sync with a member missing or ill-typed is refused") {
    const std::string request = to_json(sync_request());
    requires_members(
        sync_request_from_json, request,
        {"/request_number", "/resources", "/usage", "/usage/0/resource", "/usage/0/hour", "/usage/0/usage",
         "/journal/acknowledged/sequence", "/journal/head/sequence", "/catalogue_version"});
    has_length(sync_request_from_json, request, "/usage/0/subject", limits::subject_bytes_max);
    has_length(sync_request_from_json, request, "/session", limits::message_id_bytes_max);
    has_range(sync_request_from_json, request, "/usage/0/usage", 0, limits::counter_max);
    const std::string reply = to_json(sync_reply());
    requires_members(sync_reply_from_json, reply,
                     {"/request_number", "/acknowledged/sequence", "/server_time", "/recall",
                      "/recall/0/resource", "/recall/0/units", "/cards", "/cards/0/state", "/cards/0/as_of",
                      "/catalogue_version", "/catalogue/0/key"});
    has_range(sync_reply_from_json, reply, "/next_sync_s", 1, 86'400);
    has_length(sync_reply_from_json, reply, "/lease", limits::lease_bytes_max);
    has_length(sync_reply_from_json, reply, "/wait_ticket", limits::message_id_bytes_max);
    CHECK(pointer_of(sync_reply_from_json, edited(reply, "/lease", "")) == "/lease");
    CHECK(pointer_of(sync_reply_from_json, edited(reply, "/catalogue", 1)) == "/catalogue");
    for (const char* member : {"/lease", "/wait_ticket", "/next_sync_s", "/catalogue"}) {
        CHECK(sync_reply_from_json(without(reply, member)));
    }
}

TEST_CASE("unknown members are ignored, and what isn't JSON is malformed") {
    CHECK(hello_request_from_json(edited(to_json(hello_request()), "/later", "invention")));
    CHECK(sync_reply_from_json(edited(to_json(sync_reply()), "/cards/0/later", 1)));
    CHECK(sync_request_from_json("{").error().code == ErrorCode::malformed);
    CHECK(sync_request_from_json("[]").error().code == ErrorCode::malformed);
    std::string twice = to_json(sync_request());
    twice.insert(1, R"("session":"s0",)");
    CHECK(sync_request_from_json(twice).error().code == ErrorCode::malformed);
}

TEST_CASE("the verdicts have the protocol's names") {
    const char* names[] = {"ok", "learning", "fenced", "retired", "upgrade"};
    for (int i = 0; i < 5; ++i) {
        CHECK(name_of(static_cast<Verdict>(i)) == names[i]);
        CHECK(verdict_from(names[i]) == static_cast<Verdict>(i));
    }
    CHECK_FALSE(verdict_from("OK"));
}
