// A text in pieces, as a connection may deliver it. What is read of it must not depend on them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>

namespace meterbox::fuzz {

enum class Splitting {
    none,        // the whole text at once
    every_byte,  // a byte at a time
    by_content,  // the first byte of each piece says how long it is: 1 to 32
};

// Calls take(piece) for each piece in order, until it answers false.
inline void feed(std::string_view text, Splitting splitting,
                 const std::function<bool(std::string_view)>& take) {
    while (!text.empty()) {
        std::size_t length = text.size();
        if (splitting == Splitting::every_byte) length = 1;
        if (splitting == Splitting::by_content) length = 1 + static_cast<unsigned char>(text.front()) % 32;
        const std::string_view piece = text.substr(0, std::min(length, text.size()));
        text.remove_prefix(piece.size());
        if (!take(piece)) return;
    }
}

}  // namespace meterbox::fuzz
