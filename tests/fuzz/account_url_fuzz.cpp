// config/account_url: a URL that is taken is the same when it is written from its parts again, and an
// address in brackets is one of IPv6.
#include "config/account_url.hpp"

#include <arpa/inet.h>

#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meterbox;
    const std::string_view text = fuzz::text_of(data, size);
    const auto url = config::parse_account_url(text);
    if (!url) return 0;
    METERBOX_ASSERT(url->port != 0 && !url->host.empty());
    const bool has_colon = url->host.find(':') != std::string::npos;
    const std::string host = has_colon ? "[" + url->host + "]" : url->host;
    METERBOX_ASSERT(config::is_host(host));
    METERBOX_ASSERT(config::parse_account_url("https://" + host + ":" + std::to_string(url->port)) == url);
    in6_addr address{};
    const bool in_brackets = text.find('[') != std::string_view::npos;
    METERBOX_ASSERT(in_brackets == (::inet_pton(AF_INET6, url->host.c_str(), &address) == 1));
    return 0;
}
