// The messages: each comes back from its JSON, and has the names of docs/PROTOCOL.md.
#include "core/wire.hpp"

#include "core/wire_retirement.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/json_edit.hpp"
#include "tests/unit/core_parsing/samples.hpp"
#include "tests/unit/core_parsing/wire_messages.hpp"

using namespace meterbox::tests;

namespace {

// JSON of the value that was read from JSON: equal texts, equal values.
template <class Message, class Read>
void comes_back(const Message& message, Read read) {
    const std::string text = to_json(message);
    const Result<Message> back = read(text);
    REQUIRE(back);
    REQUIRE(to_json(*back) == text);
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
        request.acknowledged = samples.head();
        request.starts = samples.list<JournalHead>(3, [&] { return samples.head(); });
        request.last_lease = samples.text(0, 500);
        request.resources = samples.list<ResourceCounters>(4, [&] { return samples.counters(); });
        request.clock = {samples.time(), samples.coin() ? "estimated" : "unset", samples.time()};
        comes_back(request, hello_request_from_json);

        HelloReply reply = hello_reply();
        reply.session = samples.id();
        reply.epoch = samples.integer(1, limits::counter_max);
        reply.verdict = static_cast<Verdict>(samples.between(0, 3));  // with upgrade nothing else is read
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
        SyncRequest request{
            samples.id(),   samples.integer(0, limits::counter_max), {}, {},    samples.head(),
            samples.head(), samples.integer(0, limits::counter_max), {}, false, {}};
        request.resources = samples.list<ResourceCounters>(4, [&] { return samples.counters(); });
        request.usage = samples.list<UsageRow>(5, [&] { return samples.usage_row(); });
        request.starts = samples.list<JournalHead>(3, [&] { return samples.head(); });
        request.lease_number = samples.maybe([&] { return samples.integer(0, limits::counter_max); });
        comes_back(request, sync_request_from_json);
        CHECK(sync_request_from_json(to_json(request))->lease_number == request.lease_number);

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

TEST_CASE("each retirement comes back from its JSON") {
    Samples samples{4};
    for (int i = 0; i < 300; ++i) {
        RetireRequest request;
        if (samples.coin()) request.session = samples.id();
        request.resources = samples.list<ResourceCounters>(4, [&] { return samples.counters(); });
        request.usage = samples.list<UsageRow>(5, [&] { return samples.usage_row(); });
        request.more_usage = samples.coin();
        request.slots = samples.list<RemainderSlot>(3, [&] {
            return RemainderSlot{samples.key(), samples.id()};
        });
        request.head = samples.head();
        request.acknowledged = samples.head();
        request.starts = samples.list<JournalHead>(3, [&] { return samples.head(); });
        comes_back(request, retire_request_from_json);
        CHECK(retire_request_from_json(to_json(request))->slots == request.slots);
        comes_back(RetireReply{samples.coin() ? samples.id() : "", samples.time()}, retire_reply_from_json);
    }
}

TEST_CASE("a retirement has the names of the protocol") {
    RetireRequest request;
    request.session = "s1";
    request.slots = {{"render", "t1"}};
    request.head = {7, "h"};
    CHECK(to_json(request) ==
          R"({"session":"s1","resources":[],"usage":[],"more_usage":false,"slots":[{"resource":"render",)"
          R"("tranche":"t1"}],"journal":{"acknowledged":{"sequence":0,"hash":""},"head":{"sequence":7,)"
          R"("hash":"h"},"starts":[]}})");
    CHECK(to_json(RetireReply{}) == R"({"receipt":null,"server_time":"1970-01-01T00:00:00Z"})");
}

TEST_CASE("a hello has the names of the protocol") {
    CHECK(
        to_json(hello_request()) ==
        R"({"protocol_min":1,"protocol_max":1,"agent":"agent-1","incarnation":1,"boot_id":"boot","version":"0.1.0",)"
        R"("journal":{"sequence":7,"hash":"h","acknowledged":{"sequence":6,"hash":"g"},"starts":[{"sequence":7,"hash":"h"},)"
        R"({"sequence":3,"hash":"s"}]},"last_lease":null,"resources":[{"resource":"render","M":2500,"q":500,)"
        R"("tranches":[{"tranche":"t1","U":2,"R":1,"hours":[{"hour":"1970-01-01T01:00:00Z","units":2}]}],)"
        R"("H":0,"need":0,"wanted":0,"running":0,"rate":0,"idle":false,"overage":0}],"nonce":"0123456789abcdef0123456789abcdef",)"
        R"("clock":{"estimate":"1970-01-01T00:00:00.001Z","quality":"trusted","high_water":"1970-01-01T00:00:00.002Z"}})");
    CHECK(
        to_json(hello_reply()) ==
        R"({"protocol":1,"protocol_min":1,"protocol_max":1,"session":"s1","epoch":1,"incarnation":1,"verdict":"ok","acknowledged":{"sequence":7,"hash":""},)"
        R"("usage_acknowledged":0,"server_time":"1970-01-01T00:00:00Z","catalogue":[{"key":"render","name":"Render","kind":"exhaustible",)"
        R"("measure":"duration","unit_size":1000,"enforcement":"hard"}],"catalogue_version":0,"lease_keys":{"keys":[)"
        R"({"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":")" +
            key_x + R"(","y":")" + key_x + R"("}]}})");
}

TEST_CASE("what an agent without a chain says of its journal is understood") {
    std::string hello = to_json(hello_request());
    const std::string chain =
        R"(,"acknowledged":{"sequence":6,"hash":"g"},"starts":[{"sequence":7,"hash":"h"},)"
        R"({"sequence":3,"hash":"s"}])";
    REQUIRE(hello.find(chain) != std::string::npos);
    hello.erase(hello.find(chain), chain.size());
    const auto older = hello_request_from_json(hello);
    REQUIRE(older);
    CHECK(older->head.sequence == 7);
    CHECK(older->acknowledged.sequence == 0);
    CHECK(older->starts.empty());
}

TEST_CASE("a sync has the names of the protocol") {
    SyncRequest request = sync_request();
    request.resources.clear();
    CHECK(
        to_json(request) ==
        R"({"session":"s1","request_number":4,"resources":[],"usage":[{"resource":"render",)"
        R"("hour":"1970-01-01T01:00:00Z","subject":"job","usage":2500}],"journal":{"acknowledged":)"
        R"({"sequence":6,"hash":"g"},"head":{"sequence":7,"hash":"h"},"starts":[{"sequence":7,"hash":"h"}]},)"
        R"("catalogue_version":0,"more_usage":false})");
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

TEST_CASE("a hello of a later protocol is read, so that it can be told to speak an older one") {
    HelloRequest later = hello_request();
    later.protocol_min = 2;
    later.protocol_max = 3;
    CHECK(hello_request_from_json(to_json(later))->protocol_min == 2);
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
