#include "core/wire_standing.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "core/assert.hpp"
#include "core/json_fields.hpp"
#include "core/limits.hpp"

namespace meterbox::core::wire {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> standings{"unknown", "expired", "fenced", "revoked", "retired"};

Result<std::string> read_one_pem(std::string_view text, std::string_view member) {
    const Result<json::value> value = parse_json(text);
    if (!value) return value.error();
    ObjectReader reader{*value, ""};
    std::string pem = read_text(reader, member, limits::message_pem_bytes_max);
    if (!reader.ok()) return reader.error();
    return pem;
}

}  // namespace

std::string to_json(const RenewRequest& message) {
    return json::serialize(json::object{{"request", message.request}});
}

std::string to_json(const RenewReply& message) {
    return json::serialize(json::object{{"certificate", message.certificate}});
}

Result<RenewRequest> renew_request_from_json(std::string_view text) {
    auto pem = read_one_pem(text, "request");
    if (!pem) return pem.error();
    return RenewRequest{std::move(*pem)};
}

Result<RenewReply> renew_reply_from_json(std::string_view text) {
    auto pem = read_one_pem(text, "certificate");
    if (!pem) return pem.error();
    return RenewReply{std::move(*pem)};
}

std::string_view name_of(Standing standing) {
    return standings[static_cast<std::size_t>(standing)];
}

std::optional<Standing> standing_from(std::string_view name) {
    const auto* const found = std::find(standings.begin(), standings.end(), name);
    if (found == standings.end()) return std::nullopt;
    return static_cast<Standing>(found - standings.begin());
}

std::string refusal_json(const Refusal& refusal) {
    const std::string problem = problem_json(refusal.error);
    if (!refusal.standing) return problem;
    Result<json::value> object = parse_json(problem);
    METERBOX_ASSERT(object.has_value());
    object->as_object()["standing"] = json_text(name_of(*refusal.standing));
    return json::serialize(*object);
}

Problem problem_from_json(std::string_view body) {
    const Result<json::value> value = parse_json(body);
    if (!value || !value->is_object()) return {};
    ObjectReader reader{*value, ""};
    Problem problem;
    problem.detail = reader.optional_string("detail").value_or("");
    problem.standing = standing_from(reader.optional_string("standing").value_or(""));
    return problem;
}

}  // namespace meterbox::core::wire
