// What libpq says in several lines, in one.
#pragma once

#include <string>
#include <string_view>

namespace meterbox::platform::postgres {

inline std::string one_line(std::string_view text) {
    std::string line;
    for (const char letter : text) {
        const bool space = letter == '\n' || letter == '\r' || letter == '\t' || letter == ' ';
        if (!space) {
            line += letter;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

}  // namespace meterbox::platform::postgres
