// What can be leased now of several resources at once: units of their own, and tokens that some of them
// share. Pure: a copy of what the tranches say, on which it is tried what who waits could still have.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "account/tranche.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

// Units of a resource that somebody waits for.
struct Claim {
    std::string resource;
    core::Units need;
};

// What of the tokens that make no whole unit of what somebody waits for: they may become one.
enum class Rest { given, kept };

class Stock {
public:
    // Of its tranches, in draw order, those that are limited and valid. Again: nothing.
    void add(const std::string& resource, std::span<const Tranche> in_draw_order, core::UtcTime now);

    // Whether some of what either could have is tokens of one pool.
    bool share(const std::string& one, const std::string& other) const;

    // The most units of the resource that leave to each of the line as much as it could have without them.
    // Everybody draws in the draw order of its resource, the first of the line first. Rest::kept: and
    // nothing at all of what somebody could draw on that can't have all it needs.
    core::Units beyond(const std::string& resource, std::span<const Claim> line, Rest rest) const;

private:
    struct Source {
        std::size_t place = 0;   // in what is left
        std::int64_t price = 1;  // of a unit, in what is counted there
    };
    using Sources = std::vector<Source>;     // in draw order
    using Left = std::vector<std::int64_t>;  // units, or tokens
    static core::Units take(Left& left, const Sources& sources, core::Units units);
    const Sources& sources_of(const std::string& resource) const;

    std::map<std::string, Sources> sources_;      // by resource
    std::map<std::int64_t, std::size_t> places_;  // by tranche, or pool
    Left left_;
};

}  // namespace meterbox::account
