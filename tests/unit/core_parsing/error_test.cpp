// The table of errors against the contract's, and the problem documents made from it.
#include "core/error.hpp"

#include <boost/json/parse.hpp>

#include "tests/support/catch.hpp"

using namespace meterbox::core;

TEST_CASE("each error has the name and status of the contract") {
    const struct {
        ErrorCode code;
        const char* name;
        int status;
    } rows[] = {{ErrorCode::malformed, "malformed", 400},
                {ErrorCode::unauthenticated, "unauthenticated", 401},
                {ErrorCode::exhausted, "exhausted", 402},
                {ErrorCode::forbidden, "forbidden", 403},
                {ErrorCode::not_found, "not-found", 404},
                {ErrorCode::method_not_allowed, "method-not-allowed", 405},
                {ErrorCode::conflict, "conflict", 409},
                {ErrorCode::too_large, "too-large", 413},
                {ErrorCode::headers_too_large, "too-large", 431},
                {ErrorCode::unsupported_media_type, "unsupported-media-type", 415},
                {ErrorCode::invalid, "invalid", 422},
                {ErrorCode::too_many, "too-many", 429},
                {ErrorCode::not_enrolled, "not-enrolled", 503},
                {ErrorCode::storage, "storage", 503},
                {ErrorCode::unreachable, "unreachable", 503},
                {ErrorCode::not_available, "not-available", 501},
                {ErrorCode::internal, "internal", 500}};
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(traits(row.code).code == row.code);
        CHECK(traits(row.code).name == row.name);
        CHECK(traits(row.code).http_status == row.status);
        CHECK_FALSE(traits(row.code).title.empty());
    }
}

TEST_CASE("trying again is offered where waiting can help, never where the request is wrong") {
    for (const ErrorCode code : {ErrorCode::too_many, ErrorCode::storage, ErrorCode::unreachable}) {
        CHECK(traits(code).retryable);
    }
    for (const ErrorCode code : {ErrorCode::malformed, ErrorCode::invalid, ErrorCode::conflict}) {
        CHECK_FALSE(traits(code).retryable);
    }
}

TEST_CASE("a problem document says index and pointer only where they apply") {
    const auto plain =
        boost::json::parse(problem_json({ErrorCode::not_found, "no such session: a\"b\n", {}, {}}));
    CHECK(plain.at("type") == "urn:meterbox:error:not-found");
    CHECK(plain.at("title") == "Not found");
    CHECK(plain.at("status") == 404);
    CHECK(plain.at("detail") == "no such session: a\"b\n");
    CHECK(plain.as_object().size() == 4);

    const auto odd = boost::json::parse(problem_json({ErrorCode::not_found, "no session \xff\xe9", {}, {}}));
    CHECK(odd.at("detail") == "no session ??");

    const auto full =
        boost::json::parse(problem_json({ErrorCode::invalid, "negative", 0, "/0/data/quantity"}));
    CHECK(full.at("index") == 0);
    CHECK(full.at("pointer") == "/0/data/quantity");
    CHECK(full.as_object().size() == 6);
}
