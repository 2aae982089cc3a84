// Renewing, and what a refusal says.
#include "core/wire_standing.hpp"

#include "core/limits.hpp"
#include "core/wire.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::core;
using namespace meterbox::core::wire;

TEST_CASE("a request to renew and its answer read back as they were") {
    CHECK(renew_request_from_json(to_json(RenewRequest{"pem"}))->request == "pem");
    CHECK(renew_reply_from_json(to_json(RenewReply{"chain"}))->certificate == "chain");
}

TEST_CASE("a request to renew without a request, or with one too long, is malformed and names it") {
    for (const std::string& text :
         {std::string("{}"), std::string(R"({"request":""})"),
          R"({"request":")" + std::string(limits::message_pem_bytes_max + 1, 'x') + "\"}"}) {
        const auto message = renew_request_from_json(text);
        REQUIRE_FALSE(message);
        CHECK(message.error().code == ErrorCode::malformed);
        CHECK(message.error().pointer == "/request");
    }
    CHECK(
        renew_request_from_json(R"({"request":")" + std::string(limits::message_pem_bytes_max, 'x') + "\"}"));
}

TEST_CASE("a refusal says where the agent stands, in a problem that others read as one") {
    const Error error{ErrorCode::forbidden, "agent a-1 is revoked", {}, {}};
    const std::string body = refusal_json({error, Standing::revoked});
    const Problem problem = problem_from_json(body);
    CHECK(problem.detail == "agent a-1 is revoked");
    CHECK(problem.standing == Standing::revoked);
    CHECK(body.find("urn:meterbox:error:forbidden") != std::string::npos);
    CHECK_FALSE(problem_from_json(refusal_json({error, std::nullopt})).standing);
}

TEST_CASE("what isn't a problem says nothing") {
    CHECK(problem_from_json("no JSON").detail.empty());
    CHECK(problem_from_json("[]").detail.empty());
    CHECK_FALSE(problem_from_json(R"({"standing":"elsewhere"})").standing);
}

TEST_CASE("each standing has a name that reads back") {
    for (const Standing standing :
         {Standing::unknown, Standing::expired, Standing::fenced, Standing::revoked, Standing::retired})
        CHECK(standing_from(name_of(standing)) == standing);
    CHECK_FALSE(standing_from("active"));
}

TEST_CASE("the versions that a hello speaks are read though nothing else of it can be") {
    const auto range = protocol_range_from_json(R"({"protocol_min":2,"protocol_max":3,"agent":[]})");
    REQUIRE(range);
    CHECK_FALSE(range->meets({1, 1}));
    CHECK(range->meets({1, 2}));
    CHECK(range->meets({3, 9}));
    CHECK_FALSE(range->meets({4, 9}));
    CHECK_FALSE(protocol_range_from_json(R"({"protocol_min":3,"protocol_max":2})"));
    CHECK_FALSE(protocol_range_from_json("{}"));
}

TEST_CASE("the verdict upgrade is understood from an account of whatever version") {
    const auto reply = hello_reply_from_json(R"({"verdict":"upgrade","protocol_min":4,"protocol_max":6})");
    REQUIRE(reply);
    CHECK(reply->verdict == Verdict::upgrade);
    CHECK(reply->protocol_min == 4);
    CHECK(reply->protocol_max == 6);
}
