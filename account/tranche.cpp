// Draw order and names of tranches.
#include "account/tranche.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

#include "core/mutant.hpp"

namespace meterbox::account {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

auto rank(const Tranche& t) {
    const auto end = t.last_end();
    const auto size = t.size();
    const core::UtcTime start = t.cycles ? t.grant_starts_at : t.starts_at;
    return std::tuple(t.tier, end ? end->ms : never, size ? size->value() : never, start.ms, t.grant, t.id);
}

}  // namespace

std::optional<core::Units> Tranche::size() const {
    if (pool) return core::Units{pool->purchased->value() / rate};
    return purchased;
}

core::Units Tranche::unspent() const {
    if (pool) return core::Units{pool->unspent().value() / rate};
    return std::max(core::Units{}, *purchased - charged - in_doubt - expired);
}

void Tranche::look_into_pool() {
    if (pool) available = core::Units{pool->available.value() / rate};
}

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
