#include "account/store_url.hpp"

#include <algorithm>

namespace meterbox::account {

namespace {

constexpr std::string_view after_scheme = "://";

// password=, also with some of its letters as %XX.
bool is_password(std::string_view parameter) {
    const std::string_view name = parameter.substr(0, parameter.find('='));
    if (name == parameter) return false;
    return name == "password" || name == "sslpassword" || name.find('%') != std::string_view::npos;
}

}  // namespace

bool is_url(std::string_view store) {
    return store.find(after_scheme) != std::string_view::npos;
}

bool is_postgres_url(std::string_view store) {
    return store.starts_with("postgresql://") || store.starts_with("postgres://");
}

bool holds_password(std::string_view url) {
    url.remove_prefix(std::min(url.size(), url.find(after_scheme) + after_scheme.size()));
    const std::string_view user = url.substr(0, std::min(url.find('@'), url.find_first_of("/?")));
    if (user.size() < url.size() && url[user.size()] == '@' && user.find(':') != std::string_view::npos)
        return true;
    for (auto at = url.find('?'); at != std::string_view::npos; at = url.find('&')) {
        url.remove_prefix(at + 1);
        if (is_password(url.substr(0, url.find('&')))) return true;
    }
    return false;
}

}  // namespace meterbox::account
