// Code point by code point.
#include "core/text.hpp"

#include "core/cloud_event_rules.hpp"

namespace meterbox::core {

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        if (!take_code_point(text)) return false;
    }
    return true;
}

bool is_line(std::string_view text) {
    return is_utf8(text) && is_attribute_text(text);
}

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        std::string_view rest = text;
        const auto point = take_code_point(rest);
        if (!point) {
            result += '?';
            text.remove_prefix(1);
            continue;
        }
        // C1 controls, U+0080 to U+009F: some terminals take them for escape sequences.
        const bool control = *point < 0x20 || (*point >= 0x7f && *point <= 0x9f);
        result += control ? std::string_view(" ") : text.substr(0, text.size() - rest.size());
        text = rest;
    }
    return result;
}

bool is_option_left_empty(std::string_view argument) {
    return argument.starts_with("--") && argument.find('=') + 1 == argument.size();
}

}  // namespace meterbox::core
