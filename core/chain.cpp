#include "core/chain.hpp"

#include <utility>

namespace meterbox::core {

namespace {

constexpr char event_tag = 'e';
constexpr char link_tag = 'l';
constexpr char start_tag = 's';
constexpr char forgotten_tag = 'f';
constexpr char resource_tag = 'r';
constexpr char tranche_tag = 't';
constexpr char incarnation_tag = 'i';
constexpr char usage_tag = 'u';
constexpr char units_tag = 'c';

void append_number(std::string& out, std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i) & 0xff);
}

void append_text(std::string& out, std::string_view text) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(text.size() >> (8 * i) & 0xff);
    out += text;
}

// Takes bytes off the front; once they don't suffice, nothing more comes.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}

    bool ended() const { return rest_.empty(); }
    bool broken() const { return broken_; }
    std::string_view take(std::size_t count) {
        if (broken_ || rest_.size() < count) {
            broken_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::int64_t number() { return static_cast<std::int64_t>(bits(8)); }
    std::string text() {
        const std::uint64_t size = bits(4);
        return std::string(take(size));
    }

private:
    std::uint64_t bits(std::size_t count) {
        const std::string_view bytes = take(count);
        std::uint64_t value = 0;
        for (std::size_t i = bytes.size(); i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(bytes[i]);
        return value;
    }

    std::string_view rest_;
    bool broken_ = false;
};

StartMark mark_from(std::string_view bytes) {
    StartMark mark{};
    for (std::size_t i = 0; i < bytes.size(); ++i) mark[i] = static_cast<std::uint8_t>(bytes[i]);
    return mark;
}

}  // namespace

std::string bytes_of(const LinkState& state) {
    std::string out;
    if (state.start) {
        out += start_tag;
        for (const std::uint8_t byte : *state.start) out += static_cast<char>(byte);
    }
    if (state.forgotten) {
        out += forgotten_tag;
        append_number(out, *state.forgotten);
    }
    if (state.incarnation) {
        out += incarnation_tag;
        append_number(out, *state.incarnation);
    }
    for (const ResourceTotals& resource : state.resources) {
        out += resource_tag;
        append_text(out, resource.resource);
        append_number(out, resource.metered.value());
        for (const TrancheTotals& tranche : resource.tranches) {
            out += tranche_tag;
            append_text(out, tranche.tranche);
            append_number(out, tranche.granted.value());
            append_number(out, tranche.used.value());
            append_number(out, tranche.returned.value());
        }
    }
    for (const UsageAdded& usage : state.usage) {
        out += usage_tag;
        append_text(out, usage.resource);
        append_number(out, usage.hour.number);
        append_text(out, usage.subject);
        append_number(out, usage.amount.value());
        append_number(out, usage.metered ? 1 : 0);
    }
    for (const UnitsAdded& units : state.units) {
        out += units_tag;
        append_text(out, units.resource);
        append_text(out, units.tranche);
        append_number(out, units.hour.number);
        append_number(out, units.units.value());
    }
    return out;
}

Result<LinkState> link_state_from(std::string_view bytes) {
    LinkState state;
    Bytes rest(bytes);
    while (!rest.ended() && !rest.broken()) {
        const char tag = rest.take(1).front();
        if (tag == start_tag) {
            state.start = mark_from(rest.take(std::tuple_size_v<StartMark>));
        } else if (tag == forgotten_tag) {
            state.forgotten = rest.number();
        } else if (tag == incarnation_tag) {
            state.incarnation = rest.number();
        } else if (tag == resource_tag) {
            std::string key = rest.text();
            state.resources.push_back({std::move(key), Amount{rest.number()}, {}});
        } else if (tag == tranche_tag && !state.resources.empty()) {
            TrancheTotals tranche;
            tranche.tranche = rest.text();
            tranche.granted = Units{rest.number()};
            tranche.used = Units{rest.number()};
            tranche.returned = Units{rest.number()};
            state.resources.back().tranches.push_back(std::move(tranche));
        } else if (tag == usage_tag) {
            UsageAdded usage;
            usage.resource = rest.text();
            usage.hour = UtcHour{rest.number()};
            usage.subject = rest.text();
            usage.amount = Amount{rest.number()};
            usage.metered = rest.number() != 0;
            state.usage.push_back(std::move(usage));
        } else if (tag == units_tag) {
            UnitsAdded units;
            units.resource = rest.text();
            units.tranche = rest.text();
            units.hour = UtcHour{rest.number()};
            units.units = Units{rest.number()};
            state.units.push_back(std::move(units));
        } else {
            return Error{ErrorCode::malformed, "the totals of a link can't be read", {}, {}};
        }
    }
    // One text for one value: another spelling is not ours.
    if (rest.broken() || bytes_of(state) != bytes)
        return Error{ErrorCode::malformed, "the totals of a link can't be read", {}, {}};
    return state;
}

void append_event_frame(std::string& out, const ChainedEvent& event) {
    out += event_tag;
    append_number(out, event.number);
    append_number(out, event.resource);
    append_text(out, event.source);
    append_text(out, event.id);
    append_text(out, event.subject);
    append_number(out, event.time.ms);
    append_number(out, event.amount.value());
    append_number(out, event.taken_at.ms);
}

std::string link_frame(std::int64_t sequence, std::int64_t last_event, std::string_view state) {
    std::string out(1, link_tag);
    append_number(out, sequence);
    append_number(out, last_event);
    append_text(out, state);
    return out;
}

}  // namespace meterbox::core
