// The account's URL: https, a host, maybe a port, and nothing else. No path, no user, no query: what an
// agent asks for there is the protocol's to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::config {

struct AccountUrl {
    std::string host;  // a name or an IPv4 address; an IPv6 address without its brackets
    std::uint16_t port = 443;
    friend bool operator==(const AccountUrl&, const AccountUrl&) = default;
};

// nullopt if it is anything else than https://HOST[:PORT] with at most one slash at its end.
std::optional<AccountUrl> parse_account_url(std::string_view text);

// A host's name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text);

// The same as a certificate names it: an IPv6 address is without its brackets, which needn't be there, and in
// its usual form. nullopt if it is none.
std::optional<std::string> certificate_name(std::string_view text);

}  // namespace meterbox::config
