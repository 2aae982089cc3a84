// Cards: percent used, low or not, and their JSON.
#include "core/card.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "core/assert.hpp"
#include "core/json_fields.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> states{"unknown", "ended", "exhausted", "low", "ok"};

__extension__ using Wide = __int128;  // 200 x units must not overflow

json::object tier_to_json(const CardTier& tier) {
    json::object object;
    object["tier"] = json_text(name_of(tier.tier));
    object["available_units"] = json_of(tier.available_units);
    object["purchased_units"] = json_of(tier.purchased_units);
    object["ends_at"] = json_of(tier.ends_at);
    object["refreshes_at"] = json_of(tier.refreshes_at);
    return object;
}

json::object turn_to_json(const CardTurn& turn) {
    json::object object;
    object["tranche"] = turn.tranche;
    object["at"] = json_of(turn.at);
    object["purchased_units"] = turn.purchased_units.value();
    object["available_units"] = turn.available_units.value();
    object["charged_units"] = turn.charged_units.value();
    object["next_units"] = json_of(turn.next_units);
    if (turn.begins_at) object["begins_at"] = json_of(turn.begins_at);
    return object;
}

CardTurn turn_from_json(ObjectReader& reader) {
    CardTurn turn;
    turn.tranche = read_text(reader, "tranche", limits::message_id_bytes_max);
    turn.at = read_time(reader, "at");
    turn.purchased_units = read_units(reader, "purchased_units", limits::counter_max);
    turn.available_units = read_units(reader, "available_units", limits::counter_max);
    turn.charged_units = read_units(reader, "charged_units", limits::counter_max);
    turn.next_units = read_optional_units(reader, "next_units", limits::counter_max);
    turn.begins_at = read_optional_time(reader, "begins_at");
    return turn;
}

CardTier tier_from_json(ObjectReader& reader) {
    CardTier tier;
    tier.tier = read_name(reader, "tier", tier_from);
    tier.available_units = read_optional_units(reader, "available_units", limits::counter_max);
    tier.purchased_units = read_optional_units(reader, "purchased_units", limits::counter_max);
    tier.ends_at = read_optional_time(reader, "ends_at");
    tier.refreshes_at = read_optional_time(reader, "refreshes_at");
    if (reader.has("turns"))
        tier.turns = read_list<CardTurn>(reader, "turns", limits::card_turns_max, turn_from_json);
    return tier;
}

bool is_open_payg(const CardTier& tier) {
    return tier.tier == Tier::payg && !tier.available_units && !tier.purchased_units;
}

}  // namespace

std::string_view name_of(BalanceState state) {
    const auto row = static_cast<std::size_t>(state);
    METERBOX_ASSERT(row < states.size());
    return states[row];
}

std::optional<BalanceState> balance_state_from(std::string_view name) {
    const auto found = std::find(states.begin(), states.end(), name);
    if (found == states.end()) return std::nullopt;
    return static_cast<BalanceState>(found - states.begin());
}

std::optional<std::int64_t> used_percent(Units purchased, Units available) {
    if (purchased.value() == 0) return std::nullopt;
    const Wide all = purchased.value();
    if (available >= purchased) return 0;
    return static_cast<std::int64_t>((200 * (all - available.value()) + all) / (2 * all));
}

bool is_low(Units purchased, Units available, int low_percent) {
    if (purchased.value() == 0) return false;
    return Wide{100} * available.value() <= Wide{low_percent} * purchased.value();
}

json::object card_to_json(const Card& card) {
    json::object object;
    object["resource"] = card.resource;
    object["name"] = card.name;
    object["kind"] = json_text(name_of(card.kind));
    object["state"] = json_text(name_of(card.state));
    object["reason"] = json_or_null(card.reason);
    object["available_units"] = card.available_units.value();
    object["purchased_units"] = card.purchased_units.value();
    object["leased_units"] = card.leased_units.value();
    object["charged_units"] = card.charged_units.value();
    const std::optional<std::int64_t> percent = used_percent(card.purchased_units, card.available_units);
    object["used_percent"] = percent ? json::value(*percent) : json::value{};
    object["remainder"] = card.remainder.value();
    object["unit_size"] = card.unit_size.value();
    object["measure"] = json_text(name_of(card.measure));
    object["tiers"] = json_list(card.tiers, tier_to_json);
    object["ends_at"] = json_of(card.ends_at);
    object["refreshes_at"] = json_of(card.refreshes_at);
    object["exhausts_at"] = json_of(card.exhausts_at);
    object["overage_units"] = card.overage_units.value();
    object["enforcement"] = json_text(name_of(card.enforcement));
    object["as_of"] = json_of(card.as_of);
    return object;
}

json::object card_with_turns_to_json(const Card& card) {
    json::object object = card_to_json(card);
    json::array& tiers = object["tiers"].as_array();
    for (std::size_t i = 0; i < card.tiers.size(); ++i)
        if (!card.tiers[i].turns.empty())
            tiers[i].as_object()["turns"] = json_list(card.tiers[i].turns, turn_to_json);
    return object;
}

Card card_from_reader(ObjectReader& reader) {
    Card card;
    card.resource = read_key(reader, "resource");
    card.name = read_text_or_empty(reader, "name", limits::message_text_bytes_max);
    card.kind = read_name(reader, "kind", kind_from);
    card.state = read_name(reader, "state", balance_state_from);
    card.reason = read_text_or_empty(reader, "reason", limits::message_text_bytes_max);
    card.available_units = read_units(reader, "available_units", limits::counter_max);
    card.purchased_units = read_units(reader, "purchased_units", limits::counter_max);
    card.leased_units = read_units(reader, "leased_units", limits::counter_max);
    card.charged_units = read_units(reader, "charged_units", limits::counter_max);
    card.remainder = read_amount(reader, "remainder", limits::counter_max);
    card.unit_size = Amount{reader.integer("unit_size", 1, limits::unit_size_max)};
    card.measure = read_name(reader, "measure", measure_from);
    card.tiers = read_list<CardTier>(reader, "tiers", limits::message_tranches_max, tier_from_json);
    card.ends_at = read_optional_time(reader, "ends_at");
    card.refreshes_at = read_optional_time(reader, "refreshes_at");
    card.exhausts_at = read_optional_time(reader, "exhausts_at");
    card.overage_units = read_units(reader, "overage_units", limits::counter_max);
    card.enforcement = read_name(reader, "enforcement", enforcement_from);
    card.as_of = read_time(reader, "as_of");
    card.payg_open = std::any_of(card.tiers.begin(), card.tiers.end(), is_open_payg);
    return card;
}

Result<Card> card_from_json(const json::value& value) {
    ObjectReader reader{value, ""};
    Card card = card_from_reader(reader);
    if (!reader.ok()) return reader.error();
    return card;
}

}  // namespace meterbox::core
