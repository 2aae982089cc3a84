#include "client/text.hpp"

#include <algorithm>
#include <array>

namespace meterbox::client {
namespace {

// Columns that a text takes: its UTF-8 characters. Good enough for names; wide ones only shift a column.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::red:
            return "\x1b[31m";
        case Colour::bold:
            return "\x1b[1m";
        case Colour::none:
            break;
    }
    return "";
}

}  // namespace

std::string Painter::paint(Colour colour, std::string_view text) const {
    if (!colourful_ || colour == Colour::none) return std::string{text};
    return std::string{code_of(colour)} + std::string{text} + "\x1b[0m";
}

Colour colour_of_state(std::string_view state) {
    if (state == "ok") return Colour::green;
    if (state == "low") return Colour::yellow;
    if (state == "exhausted" || state == "ended") return Colour::red;
    return Colour::none;
}

std::string count_of(std::int64_t number, std::string_view one, std::string_view many) {
    return std::to_string(number) + " " + std::string{number == 1 ? one : many};
}

std::string amount_text(std::int64_t amount, std::string_view measure) {
    if (measure == "count") return std::to_string(amount);
    return core::format_short_duration(amount);
}

std::string span_text(std::int64_t ms) {
    constexpr std::array places{core::day_ms, core::hour_ms, core::minute_ms, core::second_ms};
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (ms < places[i]) continue;
        const std::int64_t last = i + 1 < places.size() ? places[i + 1] : places[i];
        return core::format_short_duration(ms - ms % last);
    }
    return core::format_short_duration(std::max<std::int64_t>(ms, 0));
}

std::string age_text(core::UtcTime then, core::UtcTime now) {
    const std::int64_t age = now - then;
    return age < core::second_ms ? "just now" : span_text(age) + " ago";
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            line.append(widths[i] - width_of(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace meterbox::client
