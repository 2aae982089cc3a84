// Catch2, version 2 (Debian 12) or 3 (Debian 13), that can print a Result: REQUIRE(write_file(...)).
#pragma once
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <ostream>

#include "core/error.hpp"

namespace meterbox::core {
inline std::ostream& operator<<(std::ostream& stream, const Error& error) {
    return stream << traits(error.code).name << ": " << error.detail;
}
}  // namespace meterbox::core

// A Result is printed by whether it holds a value, so that the value needn't be printable.
template <class T>
struct Catch::StringMaker<meterbox::core::Result<T>> {
    static std::string convert(const meterbox::core::Result<T>& result) {
        if (result) return "a value";
        const meterbox::core::Error error = result.error();
        return std::string{meterbox::core::traits(error.code).name} + ": " + error.detail;
    }
};
