// Text for people: safe to print, in columns, in colour where a person looks. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "core/time.hpp"

namespace meterbox::client {

using core::printable;

enum class Colour { none, green, yellow, red, bold };

// Colours text or leaves it: --json, pipes and NO_COLOR get it as it is.
class Painter {
public:
    explicit Painter(bool colourful) : colourful_(colourful) {}
    std::string paint(Colour colour, std::string_view text) const;

private:
    bool colourful_;
};

// The colour of a card's state (R8): green, low is yellow, exhausted and ended are red.
Colour colour_of_state(std::string_view state);

// "1 unit", "140 units".
std::string count_of(std::int64_t number, std::string_view one, std::string_view many);

// An amount in its measure: "12m30s" for a duration, "42" for a count.
std::string amount_text(std::int64_t amount, std::string_view measure);

// How long ago `then` was, to two places at most: "12s ago", "3h4m ago"; "just now" under a second.
std::string age_text(core::UtcTime then, core::UtcTime now);
// The same for a span, cut to its two largest places: "3h4m", "12s"; under a second in milliseconds.
std::string span_text(std::int64_t ms);

// Rows in left-aligned columns two spaces apart, under a row of heads; no spaces at the ends of lines.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace meterbox::client
