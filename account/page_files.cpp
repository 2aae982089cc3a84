// Languages, and the headers that let a browser do nothing but show the page.
#include "account/page_files.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace meterbox::account {

namespace http = platform::http;

namespace {

constexpr std::array<std::string_view, 6> languages{"en", "fr", "sv", "pt", "es", "tr"};
constexpr std::string_view language_cookie = "meterbox_language";

// Nothing from elsewhere, nothing inline, no text that becomes markup, no frame around it.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

// The text before the separator; what comes after stays.
std::string_view take(std::string_view& rest, char separator) {
    const auto end = std::min(rest.find(separator), rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return trimmed(taken);
}

std::optional<std::string_view> language_of(std::string_view tag) {
    const std::string_view primary = tag.substr(0, tag.find('-'));
    const auto found = std::ranges::find_if(
        languages, [&](std::string_view language) { return http::same_token(language, primary); });
    if (found == languages.end()) return std::nullopt;
    return *found;
}

// q=0.8 -> 800; without one 1000; what can't be read 0.
int weight_of(std::string_view parameters) {
    while (!parameters.empty()) {
        std::string_view parameter = take(parameters, ';');
        if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
        parameter.remove_prefix(2);
        if (parameter.empty() || (parameter[0] != '0' && parameter[0] != '1')) return 0;
        int weight = (parameter[0] - '0') * 1000;
        int place = 100;
        for (const char digit : parameter.substr(std::min<std::size_t>(2, parameter.size()))) {
            if (digit < '0' || digit > '9') return 0;
            weight += (digit - '0') * place;
            place /= 10;
        }
        return weight;
    }
    return 1000;
}

std::string_view chosen_language(const http::Request& request) {
    std::string_view cookies = request.header("Cookie").value_or("");
    while (!cookies.empty()) {
        std::string_view value = take(cookies, ';');
        if (take(value, '=') == language_cookie) return value;
    }
    return "";
}

const PageFile* find_file(std::string_view path) {
    const auto files = page_files();
    const auto found = std::ranges::find(files, path, &PageFile::path);
    return found == files.end() ? nullptr : &*found;
}

bool is_known(const http::Request& request, std::string_view etag) {
    std::string_view known = request.header("If-None-Match").value_or("");
    while (!known.empty()) {
        std::string_view one = take(known, ',');
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == etag || one == "*") return true;
    }
    return false;
}

}  // namespace

std::string_view page_language(std::string_view chosen, std::string_view accept_language) {
    if (const auto language = language_of(chosen)) return *language;
    std::string_view best = languages.front();
    int best_weight = 0;
    while (!accept_language.empty()) {
        std::string_view parameters = take(accept_language, ',');
        const auto language = language_of(take(parameters, ';'));
        if (!language) continue;
        const int weight = weight_of(parameters);
        if (weight <= best_weight) continue;
        best = *language;
        best_weight = weight;
    }
    return best;
}

std::optional<http::Response> page_response(const http::Request& request) {
    const bool front = request.path() == "/";
    std::string path(request.path());
    if (front) {
        const auto language =
            page_language(chosen_language(request), request.header("Accept-Language").value_or(""));
        path = "/page/" + std::string(language) + ".html";
    }
    const PageFile* file = find_file(path);
    if (file == nullptr) return std::nullopt;
    http::Response response;
    response.content_type = file->type;
    response.headers = {{"ETag", std::string(file->etag)},
                        {"Cache-Control", "no-cache"},
                        {"Content-Security-Policy", std::string(policy)},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cross-Origin-Opener-Policy", "same-origin"},
                        {"Cross-Origin-Resource-Policy", "same-origin"}};
    if (front) response.headers.emplace_back("Vary", "Accept-Language, Cookie");
    if (is_known(request, file->etag)) {
        response.status = 304;
    } else {
        response.body = file->content;
    }
    return response;
}

}  // namespace meterbox::account
