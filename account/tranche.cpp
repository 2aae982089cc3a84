// Draw order and names of tranches.
#include "account/tranche.hpp"

#include <charconv>
#include <limits>
#include <tuple>

#include "core/mutant.hpp"

namespace meterbox::account {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

auto rank(const Tranche& t) {
    return std::tuple(t.tier, t.ends_at ? t.ends_at->ms : never, t.purchased ? t.purchased->value() : never,
                      t.starts_at.ms, t.id);
}

}  // namespace

bool drawn_before(const Tranche& a, const Tranche& b) {
    if (METERBOX_MUTANT(draw_order_ignored)) return a.id < b.id;
    return rank(a) < rank(b);
}

std::string tranche_name(std::int64_t id) {
    return "t" + std::to_string(id);
}

std::optional<std::int64_t> tranche_from(const std::string& name) {
    std::int64_t id = 0;
    const char* end = name.data() + name.size();
    if (name.size() < 2 || name[0] != 't' || name[1] < '1' || name[1] > '9') return std::nullopt;
    const auto [stop, error] = std::from_chars(name.data() + 1, end, id);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return id;
}

}  // namespace meterbox::account
