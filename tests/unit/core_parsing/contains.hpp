// Whether a text says each of these: for messages, whose wording is free but for what they must name.
#pragma once

#include <string_view>

namespace meterbox::tests {

template <class... Parts>
bool contains(std::string_view text, const Parts&... parts) {
    return ((text.find(parts) != std::string_view::npos) && ...);
}

}  // namespace meterbox::tests
