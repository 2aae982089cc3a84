// The table of errors, and the problem document made from it.
#include "core/error.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace meterbox::core {
namespace {

// In the order of the enumeration: a row is found by its number, and a test compares the two.
constexpr std::array<ErrorTraits, 17> table{{
    {ErrorCode::malformed, "malformed", 400, false, "The request is malformed"},
    {ErrorCode::unauthenticated, "unauthenticated", 401, false, "Authentication is needed"},
    {ErrorCode::exhausted, "exhausted", 402, true, "The balance is exhausted"},
    {ErrorCode::forbidden, "forbidden", 403, false, "Not allowed"},
    {ErrorCode::not_found, "not-found", 404, false, "Not found"},
    {ErrorCode::method_not_allowed, "method-not-allowed", 405, false, "The method is not allowed here"},
    {ErrorCode::conflict, "conflict", 409, false, "In conflict with what is there"},
    {ErrorCode::too_large, "too-large", 413, false, "The request is too large"},
    {ErrorCode::headers_too_large, "too-large", 431, false, "The headers are too large"},
    {ErrorCode::unsupported_media_type, "unsupported-media-type", 415, false,
     "The media type is not supported"},
    {ErrorCode::invalid, "invalid", 422, false, "The content is invalid"},
    {ErrorCode::too_many, "too-many", 429, true, "Too many at once"},
    {ErrorCode::not_enrolled, "not-enrolled", 503, true, "This agent is not enrolled"},
    {ErrorCode::storage, "storage", 503, true, "Nothing can be stored now"},
    {ErrorCode::unreachable, "unreachable", 503, true, "The account can't be reached"},
    {ErrorCode::not_available, "not-available", 501, false, "Not available in this version"},
    {ErrorCode::internal, "internal", 500, true, "A fault inside meterbox"},
}};

}  // namespace

const ErrorTraits& traits(ErrorCode code) {
    const auto row = static_cast<std::size_t>(code);
    METERBOX_ASSERT(row < table.size() && table[row].code == code);
    return table[row];
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    const std::string claim = "value() of an error: " + error.detail;
    assertion_failed(claim.c_str(), where.file_name(), static_cast<int>(where.line()));
}

std::string problem_json(const Error& error) {
    const ErrorTraits& row = traits(error.code);
    boost::json::object problem;
    problem["type"] = "urn:meterbox:error:" + std::string{row.name};
    problem["title"] = row.title;
    problem["status"] = row.http_status;
    problem["detail"] = is_utf8(error.detail) ? error.detail : printable(error.detail);  // a path, say
    if (error.index) problem["index"] = *error.index;
    if (!error.pointer.empty()) problem["pointer"] = error.pointer;
    return boost::json::serialize(problem);
}

}  // namespace meterbox::core
