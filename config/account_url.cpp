#include "config/account_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace meterbox::config {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t host_bytes_max = 253;  // RFC 1035

bool only(std::string_view text, std::string_view a, std::string_view b, std::string_view c) {
    return std::all_of(text.begin(), text.end(), [&](char character) {
        return a.find(character) != a.npos || b.find(character) != b.npos || c.find(character) != c.npos;
    });
}

}  // namespace

bool is_host(std::string_view text) {
    if (text.empty() || text.size() > host_bytes_max) return false;
    if (text.front() == '[') {
        in6_addr address{};
        return text.size() > 2 && text.back() == ']' &&
               only(text.substr(1, text.size() - 2), digits, "abcdefABCDEF", ":.") &&
               ::inet_pton(AF_INET6, std::string(text.substr(1, text.size() - 2)).c_str(), &address) == 1;
    }
    return only(text, digits, letters, "-._") && text.front() != '-' && text.front() != '.';
}

std::optional<std::string> certificate_name(std::string_view text) {
    const bool bare = text.find(':') != text.npos && !text.starts_with('[');
    const std::string host = bare ? "[" + std::string(text) + "]" : std::string(text);
    if (!is_host(host)) return {};
    if (host.front() != '[') return host;
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> usual{};
    ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address);
    return ::inet_ntop(AF_INET6, &address, usual.data(), usual.size());
}

std::optional<AccountUrl> parse_account_url(std::string_view text) {
    constexpr std::string_view scheme = "https://";
    if (!text.starts_with(scheme)) return {};
    text.remove_prefix(scheme.size());
    if (text.ends_with('/')) text.remove_suffix(1);

    AccountUrl url;
    const auto colon = text.rfind(':');
    if (colon != text.npos && !text.ends_with(']')) {
        const std::string_view port = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) return {};
        text = text.substr(0, colon);
    }
    if (!is_host(text)) return {};
    if (text.front() == '[') text = text.substr(1, text.size() - 2);
    url.host = text;
    return url;
}

}  // namespace meterbox::config
