// How often an address may fail to sign in: so many times within a window that begins with its first failure.
// What is remembered is bounded: of too many addresses the one that began first is forgotten. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/time.hpp"

namespace meterbox::account {

class SignInLimit {
public:
    // None: it may try. Otherwise in how many milliseconds it may again, > 0.
    std::optional<std::int64_t> wait_ms(const std::string& address, core::MonotonicTime now) const;
    void failed(const std::string& address, core::MonotonicTime now);
    std::size_t remembered() const { return failures_.size(); }

private:
    struct Failures {
        core::MonotonicTime since;
        int count = 0;
    };
    std::map<std::string, Failures> failures_;
};

}  // namespace meterbox::account
