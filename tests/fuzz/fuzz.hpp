// What the fuzz targets share. A target is LLVMFuzzerTestOneInput in a file of its own: it gives the
// input to one parser and asserts what must hold of the answer. A broken claim stops the process
// (METERBOX_ASSERT), as a crash does: that is how libFuzzer and the replay learn of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "core/error.hpp"
#include "core/json_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace meterbox::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// A refusal says in one line what is wrong.
inline void check_one_line(const core::Error& error) {
    METERBOX_ASSERT(!error.detail.empty());
    METERBOX_ASSERT(std::none_of(error.detail.begin(), error.detail.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    }));
}

// And whoever sent it can be told, whatever the bytes were: the problem is JSON.
inline void check_refusal(const core::Error& error) {
    METERBOX_ASSERT(!error.detail.empty());
    METERBOX_ASSERT(core::parse_json(core::problem_json(error)).has_value());
}

}  // namespace meterbox::fuzz
