#include "agent/admin_guard.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "platform/http/request.hpp"

namespace meterbox::agent {

namespace http = platform::http;

namespace {

constexpr std::array<std::string_view, 3> loopback_names{"localhost", "127.0.0.1", "[::1]"};

// The name of NAME, NAME:PORT, [IPV6] or [IPV6]:PORT; none if it is anything else.
std::optional<std::string_view> name_of_authority(std::string_view authority) {
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == authority.npos) return std::nullopt;
    const std::size_t colon = authority.find(':', bracket);
    const std::string_view name = authority.substr(0, colon);
    if (name.empty() || (bracket > 0 && name.size() != bracket + 1)) return std::nullopt;
    if (colon == authority.npos) return name;
    const std::string_view port = authority.substr(colon + 1);
    const bool is_port = !port.empty() && port.size() <= 5 &&
                         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_port ? std::optional{name} : std::nullopt;
}

// In the time that the given one's length takes, whatever is in it.
bool equal_in_constant_time(std::string_view given, std::string_view expected) {
    unsigned difference = given.size() == expected.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char other = expected[i % expected.size()];
        difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(other);
    }
    return difference == 0;
}

// What was sent, fit for a line of text.
std::string quoted(std::string_view text) {
    constexpr std::size_t shown = 100;
    std::string result = "\"";
    for (const char c : text.substr(0, shown)) result += c > ' ' && c < 127 && c != '"' ? c : '?';
    return result + (text.size() > shown ? "...\"" : "\"");
}

core::Error forbidden(std::string detail) {
    return {core::ErrorCode::forbidden, std::move(detail), {}, {}};
}

core::Error unauthenticated(std::string detail) {
    return {core::ErrorCode::unauthenticated, std::move(detail), {}, {}};
}

}  // namespace

AdminGuard::AdminGuard(std::string token, std::vector<std::string> allowed_hosts)
    : token_(std::move(token)), allowed_hosts_(std::move(allowed_hosts)) {}

bool AdminGuard::allows(std::string_view authority) const {
    const std::optional<std::string_view> name = name_of_authority(authority);
    if (!name) return false;
    const auto is_name = [&name](std::string_view allowed) { return http::same_token(*name, allowed); };
    return std::any_of(loopback_names.begin(), loopback_names.end(), is_name) ||
           std::any_of(allowed_hosts_.begin(), allowed_hosts_.end(), is_name);
}

core::Result<void> AdminGuard::check_origin(const http::Request& request) const {
    int hosts = 0;
    for (const http::Field& field : request.headers()) {
        if (!http::same_token(field.name, "host")) continue;
        if (++hosts > 1) return forbidden("the request has more than one Host");
        if (!allows(field.value)) {
            return forbidden("the Host " + quoted(field.value) +
                             " is not this machine's; add its name to admin.allowed_hosts if it is");
        }
    }
    // An absolute target names the host in its stead (RFC 9112, 3.2.2).
    const std::string_view target = request.target();
    if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != target.npos) {
        const std::string_view rest = target.substr(scheme + 3);
        const std::string_view named = rest.substr(0, rest.find_first_of("/?"));
        if (!allows(named))
            return forbidden("the host " + quoted(named) + " of the request's target is not this machine's");
    }
    if (hosts == 0) return forbidden("the request names no Host; it must be one of admin.allowed_hosts");
    if (const auto origin = request.header("origin")) {
        constexpr std::string_view scheme = "http://";
        if (!origin->starts_with(scheme) || !allows(origin->substr(scheme.size()))) {
            return forbidden(
                "the Origin " + quoted(*origin) +
                " is another site's; add its host to admin.allowed_hosts if it is this machine's");
        }
    }
    return {};
}

core::Result<void> AdminGuard::check_token(const http::Request& request) const {
    const auto authorization = request.header("authorization");
    if (!authorization) {
        return unauthenticated("needs Authorization: Bearer with the token in the file admin.token_file");
    }
    constexpr std::string_view scheme = "Bearer";
    const std::size_t space = std::min(authorization->find(' '), authorization->size());
    if (!http::same_token(authorization->substr(0, space), scheme)) {
        return unauthenticated(
            "the Authorization must be Bearer, with the token in the file admin.token_file");
    }
    const std::size_t begin = std::min(authorization->find_first_not_of(' ', space), authorization->size());
    if (token_.empty() || !equal_in_constant_time(authorization->substr(begin), token_)) {
        return unauthenticated("the token is not the one in the file admin.token_file");
    }
    return {};
}

}  // namespace meterbox::agent
