#include "platform/http/request.hpp"

#include <algorithm>

namespace meterbox::platform::http {
namespace {

int hexadecimal(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// As sent.
struct Parameter {
    std::string_view name;
    std::string_view value;  // empty where there is no equals sign
};

// Takes the first one off.
Parameter next_parameter(std::string_view& rest) {
    const std::string_view parameter = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), parameter.size() + 1));
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return {parameter, {}};
    return {parameter.substr(0, equals), parameter.substr(equals + 1)};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hexadecimal(text[i + 1]);
        const int low = hexadecimal(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

bool same_token(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const Field& field : fields_) {
        if (same_token(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::optional<std::string> Request::query(std::string_view name) const {
    std::string_view rest = query_;
    while (!rest.empty()) {
        const Parameter parameter = next_parameter(rest);
        if (percent_decode(parameter.name) == name)
            return percent_decode(parameter.value).value_or(std::string(parameter.value));
    }
    return std::nullopt;
}

std::optional<std::string> Request::query_problem(std::initializer_list<std::string_view> known) const {
    std::vector<std::string> seen;
    std::string_view rest = query_;
    while (!rest.empty()) {
        if (rest.front() == '&') {
            rest.remove_prefix(1);
            continue;
        }
        const Parameter parameter = next_parameter(rest);
        const std::string name = percent_decode(parameter.name).value_or(std::string(parameter.name));
        if (std::ranges::find(known, name) == known.end()) {
            std::string list;
            for (const std::string_view one : known) list.append(list.empty() ? "" : ", ").append(one);
            return "there is no parameter " + std::string(parameter.name) + ": " +
                   (list.empty() ? "none is known here" : list);
        }
        if (std::ranges::find(seen, name) != seen.end()) return name + ": it is given twice";
        if (parameter.value.empty()) return name + ": it is empty; leave it out, or give it a value";
        if (!percent_decode(parameter.value))
            return name + ": a percent sign has two hexadecimal digits after it (itself it is %25)";
        seen.push_back(name);
    }
    return std::nullopt;
}

}  // namespace meterbox::platform::http
