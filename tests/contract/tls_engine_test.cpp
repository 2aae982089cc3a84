// Two TLS engines joined in memory: handshakes and data in pieces of every size, the wire cut and
// changed at every place, orderly closing told from truncation, sessions resumed.
#include "platform/tls/tls_engine.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/tls_pair.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using meterbox::platform::tls::VerifyResult;
using Answer = TlsEngine::Answer;

TEST_CASE("two engines shake hands, know each other and talk, whatever pieces the wire carries") {
    const TlsWorld world;
    for (const std::size_t piece : {1, 2, 3, 5, 7, 64, 1000, 100'000}) {
        EnginePair pair(world.client(), world.serving());
        pair.up.piece = pair.down.piece = piece;
        REQUIRE(pair.handshake());
        CHECK(pair.client.verify_result().verdict == VerifyResult::Verdict::valid);
        CHECK(pair.server.verify_result().verdict == VerifyResult::Verdict::valid);
        CHECK(pair.server.peer_certificate()->common_name == "agent-1");
        CHECK(pair.server.peer_certificate()->organization == "team-a");
        CHECK(pair.client.peer_certificate()->subject_names.front() == "localhost");
        CHECK(pair.client.protocol().find("ECDHE-ECDSA") != std::string::npos);
        CHECK_FALSE(pair.client.resumed());
        CHECK(pair.up_with("one minute") == "one minute");
        CHECK(pair.down_with(std::string(40'000, 'x')) == std::string(40'000, 'x'));
        CHECK(pair.last == Answer::want_read);
    }
}

TEST_CASE("an orderly close is told from a wire that was cut") {
    const TlsWorld world;
    EnginePair closed(world.client(), world.serving());
    REQUIRE(closed.handshake());
    REQUIRE(closed.client.close() == Answer::done);
    CHECK(closed.up_with("").empty());
    CHECK(closed.last == Answer::closed);
    CHECK(closed.down_with("the other direction is still open") == "the other direction is still open");

    EnginePair cut(world.client(), world.serving());
    REQUIRE(cut.handshake());
    cut.up.cut_after = cut.up.carried + 20;
    CHECK(cut.up_with("half of a record gets through").empty());
    CHECK(cut.last == Answer::truncated);
}

TEST_CASE(
    "a wire cut after any byte of the handshake leaves no end that waits for ever or believes it is done") {
    const TlsWorld world;
    EnginePair whole(world.client(), world.serving());
    REQUIRE(whole.handshake());
    for (std::size_t bytes = 0; bytes < whole.up.carried; bytes += 53) {
        EnginePair pair(world.client(), world.serving());
        pair.up.cut_after = bytes;
        CHECK_FALSE(pair.handshake());
        CHECK(pair.server_answer == Answer::truncated);
        CHECK(pair.server.failure() == "10.0.0.7:5000 closed the connection during the TLS handshake");
        CHECK(EnginePair::waits(pair.client_answer));
    }
    for (std::size_t bytes = 0; bytes < whole.down.carried; bytes += 53) {
        EnginePair pair(world.client(), world.serving());
        pair.down.cut_after = bytes;
        CHECK_FALSE(pair.handshake());
        CHECK(pair.client_answer == Answer::truncated);
    }
}

TEST_CASE("a byte changed anywhere in the handshake is found out") {
    const TlsWorld world;
    EnginePair whole(world.client(), world.serving());
    REQUIRE(whole.handshake());
    for (std::size_t at = 0; at < whole.up.carried; at += 53) {
        EnginePair pair(world.client(), world.serving());
        pair.up.flip_at = at;
        CHECK_FALSE(pair.handshake());
    }
    for (std::size_t at = 0; at < whole.down.carried; at += 53) {
        EnginePair pair(world.client(), world.serving());
        pair.down.flip_at = at;
        CHECK_FALSE(pair.handshake());
    }
}

TEST_CASE("a byte changed in a record fails the stream for good, on both sides") {
    const TlsWorld world;
    for (std::size_t at = 0; at < 40; ++at) {
        EnginePair pair(world.client(), world.serving());
        REQUIRE(pair.handshake());
        pair.up.flip_at = pair.up.carried + at;
        CHECK(pair.up_with("exactly 19 bytes in").empty());
        if (pair.last == Answer::want_read) continue;  // the length grew: it waits for the rest
        CHECK(pair.last == Answer::failed);
        CHECK(pair.server.failed());
        CHECK_FALSE(pair.server.failure().empty());
        pair.down_with("");
        CHECK(pair.last == Answer::failed);
        CHECK(pair.client.peer_refused());
        CHECK(pair.up_with("again").empty());
    }
}

TEST_CASE("a session is resumed with both certificates known, also after 1 000 records") {
    const TlsWorld world;
    const ContextPointer client = world.client();
    const ContextPointer server = world.serving();
    EnginePair first(client, server);
    REQUIRE(first.handshake());
    CHECK_FALSE(first.server.resumed());
    for (int record = 0; record < 1'000; ++record)
        REQUIRE(first.up_with("r" + std::to_string(record)).size() > 1);
    for (int i = 0; i < 3; ++i) {
        EnginePair next(client, server);
        REQUIRE(next.handshake());
        CHECK(next.client.resumed());
        CHECK(next.server.resumed());
        CHECK(next.server.peer_certificate()->fingerprint == first.server.peer_certificate()->fingerprint);
        CHECK(next.server.verify_result().verdict == VerifyResult::Verdict::valid);
        CHECK(next.client.verify_result().verdict == VerifyResult::Verdict::valid);
        for (int record = 0; record < 1'000; ++record) REQUIRE(next.down_with("d").size() == 1);
    }
    EnginePair elsewhere(client, server, "127.0.0.1");
    REQUIRE(elsewhere.handshake());
    CHECK_FALSE(elsewhere.client.resumed());
    EnginePair renamed(client, server);
    renamed.client = TlsEngine(client, TlsPeer{"127.0.0.1", "localhost:9443"});
    REQUIRE(renamed.handshake());
    CHECK_FALSE(renamed.client.resumed());
    EnginePair restarted(client, world.serving());
    REQUIRE(restarted.handshake());
    CHECK_FALSE(restarted.client.resumed());
}

TEST_CASE("a resumed session doesn't outlive its certificates") {
    const TlsWorld world;
    core::UtcTime judged = world.now;
    const auto judge = [&judged] { return platform::tls::TimeJudgement{judged, false}; };
    ServerOptions serving = world.server_options();
    serving.judge_time = judge;
    serving.client_auth = ClientAuth::optional;
    const ContextPointer client = world.client();
    const ContextPointer server = TlsContext::server(serving).value();
    EnginePair first(client, server);
    REQUIRE(first.handshake());
    judged = world.now + 2 * core::day_ms;
    EnginePair later(client, server);
    REQUIRE(later.handshake());
    CHECK(later.server.resumed());
    CHECK(later.server.verify_result().verdict == VerifyResult::Verdict::expired);

    ClientOptions judging = world.client_options();
    judging.judge_time = judge;
    judged = world.now;
    const ContextPointer careful = TlsContext::client(judging).value();
    EnginePair fresh(careful, world.serving());
    REQUIRE(fresh.handshake());
    judged = world.now + 2 * core::day_ms;
    EnginePair stale(careful, server);
    CHECK_FALSE(stale.handshake());
    CHECK(stale.client.certificate_was_refused());
}

TEST_CASE("what a peer makes us owe to the wire is bounded") {
    const TlsWorld world;
    EnginePair pair(world.client(), world.serving());
    REQUIRE(pair.handshake());
    const std::string text(64 * 1024, 'x');
    std::size_t count = 0;
    int writes = 0;
    while (writes < 100 && pair.client.write(std::as_bytes(std::span(text)), count) == Answer::done) ++writes;
    CHECK(writes == 3);
    CHECK(pair.client.failed());
}
