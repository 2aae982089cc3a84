// The names of the domain's enumerations, each said once, and the form of a key.
#include "core/resource.hpp"

#include <algorithm>
#include <array>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 2> kinds{"exhaustible", "returnable"};
constexpr std::array<std::string_view, 2> measures{"duration", "count"};
constexpr std::array<std::string_view, 3> enforcements{"hard", "soft", "none"};
constexpr std::array<std::string_view, 4> tiers{"free", "token_flex", "flex", "payg"};

template <class Enum, std::size_t n>
std::string_view name_in(const std::array<std::string_view, n>& names, Enum value) {
    const auto row = static_cast<std::size_t>(value);
    METERBOX_ASSERT(row < n);
    return names[row];
}

template <class Enum, std::size_t n>
std::optional<Enum> value_in(const std::array<std::string_view, n>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Enum>(found - names.begin());
}

bool is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string_view name_of(Kind kind) {
    return name_in(kinds, kind);
}
std::string_view name_of(Measure measure) {
    return name_in(measures, measure);
}
std::string_view name_of(Enforcement enforcement) {
    return name_in(enforcements, enforcement);
}
std::string_view name_of(Tier tier) {
    return name_in(tiers, tier);
}

std::optional<Kind> kind_from(std::string_view name) {
    return value_in<Kind>(kinds, name);
}
std::optional<Measure> measure_from(std::string_view name) {
    return value_in<Measure>(measures, name);
}
std::optional<Enforcement> enforcement_from(std::string_view name) {
    return value_in<Enforcement>(enforcements, name);
}
std::optional<Tier> tier_from(std::string_view name) {
    return value_in<Tier>(tiers, name);
}

bool is_key(std::string_view text) {
    if (text.empty() || text.size() > limits::key_bytes_max || !is_lower_alphanumeric(text.front()))
        return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace meterbox::core
