// core/card: a card that is taken is the same when it is written and read again, and shows no nonsense:
// the percentage lies between 0 and 100.
#include "core/card.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tests/fuzz/fuzz.hpp"

namespace {
using namespace meterbox;
using namespace meterbox::core;
}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = parse_json(fuzz::text_of(data, size));
    if (!value) return 0;
    const auto card = card_from_json(*value);
    if (!card) {
        fuzz::check_refusal(card.error());
        return 0;
    }
    const auto written = parse_json(boost::json::serialize(card_with_turns_to_json(*card)));
    METERBOX_ASSERT(written);
    const auto again = card_from_json(*written);
    METERBOX_ASSERT(again && *again == *card);
    const auto percent = used_percent(card->purchased_units, card->available_units);
    METERBOX_ASSERT(percent.has_value() == (card->purchased_units.value() > 0));
    METERBOX_ASSERT(percent.value_or(0) >= 0 && percent.value_or(0) <= 100);
    return 0;
}
