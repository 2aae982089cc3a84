// Text from outside, before it is kept or shown: whether it is fit for one line, and made fit for one. Pure.
// What an event's attributes may hold is CloudEvents' business: cloud_event_rules.hpp.
#pragma once

#include <string>
#include <string_view>

namespace meterbox::core {

bool is_utf8(std::string_view text);
// UTF-8 without control characters and noncharacters.
bool is_line(std::string_view text);

// Control characters become spaces, and what is no UTF-8 question marks, so that no name, argument or message
// can speak to the terminal or break a line.
std::string printable(std::string_view text);

// `--name=`: an option whose value was left empty, for which a parser would take the next word.
bool is_option_left_empty(std::string_view argument);

}  // namespace meterbox::core
