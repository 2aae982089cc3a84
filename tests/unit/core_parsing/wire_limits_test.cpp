// The six messages refuse what is missing, ill-typed or beyond its limits, with the pointer of what
// is wrong; each limit is tried from both sides.
#include "core/limits.hpp"
#include "core/wire.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/json_edit.hpp"
#include "tests/unit/core_parsing/wire_messages.hpp"

using namespace meterbox::tests;

namespace {

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
        return pointer_of(enroll_reply_from_json, edited(reply, "/lease_keys/keys/0" + member, value));
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
    HelloReply waits = hello_reply();
    waits.session.clear();
    waits.verdict = Verdict::fenced;
    CHECK(hello_reply_from_json(to_json(waits)));  // it waits for an operator: no session was opened
}

TEST_CASE("ranges and lengths of a hello, from both sides") {
    const std::string request = to_json(hello_request());
    has_range(hello_request_from_json, request, "/protocol_max", 1, limits::protocol_version_max);
    has_range(hello_request_from_json, request, "/incarnation", 1, limits::counter_max);
    has_range(hello_request_from_json, request, "/journal/sequence", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/M", 0, 2 * limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/q", 0, limits::unit_size_max);
    has_range(hello_request_from_json, request, "/resources/0/overage", 0, 2 * limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/U", 0, 2 * limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/R", 0, limits::counter_max);
    has_range(hello_request_from_json, request, "/resources/0/tranches/0/hours/0/units", 0,
              2 * limits::counter_max);
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
    has_range(sync_request_from_json, request, "/usage/0/usage", 0, 2 * limits::counter_max);
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

TEST_CASE("a message names as many tranches of a resource as its body has room for, and not one more") {
    SyncRequest request = sync_request();
    auto& tranches = request.resources[0].tranches;
    tranches.clear();
    constexpr std::size_t first = 67'000'000;  // numbers leave gaps
    while (tranches.size() < limits::message_tranches_max)
        tranches.push_back({"t" + std::to_string(first + tranches.size()), Units{1}, {}, {}});
    const std::string all = to_json(request);
    CHECK(all.size() < limits::body_bytes_max);
    const auto read = sync_request_from_json(all);
    REQUIRE(read);
    CHECK(to_json(*read) == all);
    tranches.push_back({"t1", Units{1}, {}, {}});
    CHECK(sync_request_from_json(to_json(request)).error().pointer == "/resources/0/tranches");
}
