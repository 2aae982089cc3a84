// A card: what an admin sees of one resource (contract: A card). The account makes a team's
// cards; an agent shows them less the units completed here since (contract, the table of fields).
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::core {

class ObjectReader;

// In order of precedence: the first that applies is shown.
enum class BalanceState { unknown, ended, exhausted, low, ok };
std::string_view name_of(BalanceState);
std::optional<BalanceState> balance_state_from(std::string_view);

// A grant's units as a card counts them, and the moment at which they end. An account of before says none.
struct CardTurn {
    std::string tranche;  // as leases name it
    UtcTime at;
    Units purchased_units;  // of open payg 0, as available
    Units available_units;
    Units charged_units;
    std::optional<Units> next_units;     // what its next cycle begins with; none: its grant ends
    std::optional<UtcTime> begins_at{};  // of a next cycle, which the card doesn't count yet
    friend bool operator==(const CardTurn&, const CardTurn&) = default;
};

struct CardTier {
    Tier tier = Tier::free;
    std::optional<Units> available_units;  // none: open payg
    std::optional<Units> purchased_units;
    std::optional<UtcTime> ends_at;
    std::optional<UtcTime> refreshes_at;
    std::vector<CardTurn> turns{};  // of what ends, so that an agent out of reach knows what is left
    friend bool operator==(const CardTier&, const CardTier&) = default;
};

struct Card {
    std::string resource;
    std::string name;
    Kind kind = Kind::exhaustible;
    BalanceState state = BalanceState::unknown;
    std::string reason;  // empty unless exhausted: exhausted, ended, stale, suspect, clock
    Units available_units;
    Units purchased_units;
    Units leased_units;
    Units charged_units;
    Amount remainder;
    Amount unit_size{1};
    Measure measure = Measure::duration;
    std::vector<CardTier> tiers;
    std::optional<UtcTime> ends_at;
    std::optional<UtcTime> refreshes_at;
    std::optional<UtcTime> exhausts_at;
    Units overage_units;
    Enforcement enforcement = Enforcement::hard;
    UtcTime as_of;
    bool payg_open = false;  // an open payg tier is valid: never exhausted while it is
    friend bool operator==(const Card&, const Card&) = default;
};

// (200 x (purchased - available) + purchased) div (2 x purchased), 0 when more is available than was
// purchased; none when purchased is 0.
std::optional<std::int64_t> used_percent(Units purchased, Units available);

// Low when 100 x available <= low_percent x purchased, and purchased is not 0. Never from the rounded
// percentage.
bool is_low(Units purchased, Units available, int low_percent);

// The JSON object of the contract, used_percent included; times as RFC 3339, none as null.
boost::json::object card_to_json(const Card& card);
// The same with each tier's turns, which are for agents alone.
boost::json::object card_with_turns_to_json(const Card& card);
[[nodiscard]] Result<Card> card_from_json(const boost::json::value& json);
// The same inside a larger message: an error goes to the reader.
Card card_from_reader(ObjectReader& reader);

}  // namespace meterbox::core
