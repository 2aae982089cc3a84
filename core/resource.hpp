// What is metered, as the account defines it (domain: resource, kind, measure, charged unit,
// tier, enforcement mode), with the names that JSON, tables and commands use.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/quantity.hpp"

namespace meterbox::core {

enum class Kind { exhaustible, returnable };
enum class Measure { duration, count };  // milliseconds; a plain number
enum class Enforcement { hard, soft, none };
enum class Tier { free, token_flex, flex, payg };  // in draw order (R3)
inline constexpr std::size_t tier_count = 4;

// Whether usage fills units (R7): under none it is recorded and nothing else.
constexpr bool counts(Enforcement enforcement) {
    return enforcement != Enforcement::none;
}

std::string_view name_of(Kind);
std::string_view name_of(Measure);
std::string_view name_of(Enforcement);
std::string_view name_of(Tier);
std::optional<Kind> kind_from(std::string_view);
std::optional<Measure> measure_from(std::string_view);
std::optional<Enforcement> enforcement_from(std::string_view);
std::optional<Tier> tier_from(std::string_view);

struct Resource {
    std::string key;
    std::string name;
    Kind kind = Kind::exhaustible;
    Measure measure = Measure::duration;
    Amount unit_size{1};  // >= 1
    Enforcement enforcement = Enforcement::hard;
    friend bool operator==(const Resource&, const Resource&) = default;
};

// [a-z0-9][a-z0-9._-]{0,62}: a team's or resource's key.
bool is_key(std::string_view text);

}  // namespace meterbox::core
