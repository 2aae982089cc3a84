// The small languages of the settings: sizes, URLs, hosts.
#include "config/account_url.hpp"
#include "config/value_types.hpp"
#include "tests/support/catch.hpp"

namespace meterbox::config {

TEST_CASE("a size is a whole number with a unit") {
    CHECK(parse_size_bytes("0B") == 0);
    CHECK(parse_size_bytes("64MiB") == 64 * 1024 * 1024);
    CHECK(parse_size_bytes("1kB") == 1'000);
    CHECK(parse_size_bytes("8388607TiB") == 8388607 * (std::int64_t{1} << 40));
    for (const auto* wrong : {"", "64", "MiB", "1.5MiB", "-1MiB", "1 MiB", "64mib", "8388608TiB", "1MiBB"}) {
        INFO(wrong);
        CHECK_FALSE(parse_size_bytes(wrong).has_value());
    }
    CHECK(format_size(std::int64_t{1} << 30) == "1GiB");
    CHECK(format_size(1'536) == "1536B");
    CHECK(format_size(0) == "0B");
}

TEST_CASE("an account's URL is https, a host and maybe a port") {
    CHECK(parse_account_url("https://account.example") == AccountUrl{"account.example", 443});
    CHECK(parse_account_url("https://127.0.0.1:9440/") == AccountUrl{"127.0.0.1", 9440});
    CHECK(parse_account_url("https://[::1]:9440") == AccountUrl{"::1", 9440});
    CHECK(parse_account_url("https://[::1]") == AccountUrl{"::1", 443});
    for (const auto* wrong :
         {"", "account.example", "http://account.example", "https://", "https:///",
          "https://a:", "https://a:0", "https://a:65536", "https://a/path", "https://user@a", "https://a?b",
          "https://a b", "https://::1", "https://-a", "https://[]", "https://a\n"}) {
        INFO(wrong);
        CHECK_FALSE(parse_account_url(wrong).has_value());
    }
}

TEST_CASE("an IPv6 address is named in a certificate without brackets, and in its usual form") {
    CHECK(certificate_name("account.example") == "account.example");
    CHECK(certificate_name("10.0.0.1") == "10.0.0.1");
    for (const auto* address : {"::1", "[::1]", "0:0::1", "[0:0:0:0:0:0:0:1]"})
        CHECK(certificate_name(address) == "::1");
    CHECK(certificate_name("2001:DB8::A") == "2001:db8::a");
    using namespace std::string_view_literals;
    for (const auto wrong :
         {""sv, "a b"sv, "not a host!"sv, "[a]"sv, "[::1"sv, "::1]"sv, ":"sv, "::1\0x"sv, "a:1"sv}) {
        INFO(wrong);
        CHECK_FALSE(certificate_name(wrong));
    }
}

TEST_CASE("in brackets there is an IPv6 address, and not just its characters") {
    CHECK(is_host("[::ffff:127.0.0.1]"));
    for (const auto* wrong :
         {"[.]", "[abc]", "[127.0.0.1]", "[2001:8:db:1]", "[::1::]", "[:]", "[]", "[::1]]"}) {
        INFO(wrong);
        CHECK_FALSE(is_host(wrong));
        CHECK_FALSE(parse_account_url("https://" + std::string{wrong}).has_value());
    }
}

}  // namespace meterbox::config
