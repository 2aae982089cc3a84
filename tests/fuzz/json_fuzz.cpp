// core/json_reader: a text that is taken has no key twice, and comes back when it is written again.
#include <boost/json/serialize.hpp>
#include <cmath>

#include "tests/fuzz/fuzz.hpp"

namespace {

namespace json = boost::json;
using namespace meterbox;

// Outside of strings, a colon stands behind a key and nowhere else.
std::size_t keys_in(std::string_view text) {
    std::size_t keys = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && text[i] == ':') {
            ++keys;
        }
    }
    return keys;
}

std::size_t members_of(const json::value& value) {
    std::size_t members = 0;
    if (const json::object* object = value.if_object()) {
        members = object->size();
        for (const auto& member : *object) members += members_of(member.value());
    } else if (const json::array* array = value.if_array()) {
        for (const json::value& item : *array) members += members_of(item);
    }
    return members;
}

// JSON has no word for a number that is too large for a double.
bool has_infinity(const json::value& value) {
    if (const json::object* object = value.if_object()) {
        return std::any_of(object->begin(), object->end(),
                           [](const auto& member) { return has_infinity(member.value()); });
    }
    if (const json::array* array = value.if_array())
        return std::any_of(array->begin(), array->end(), has_infinity);
    return value.is_double() && std::isinf(value.get_double());
}

// A fraction may come back as another number: meterbox takes none.
bool same(const json::value& a, const json::value& b) {
    if (a.is_double()) return b.is_number();
    if (a.is_object() && b.is_object() && a.get_object().size() == b.get_object().size()) {
        return std::all_of(a.get_object().begin(), a.get_object().end(), [&b](const auto& member) {
            const json::value* other = b.get_object().if_contains(member.key());
            return other && same(member.value(), *other);
        });
    }
    if (a.is_array() && b.is_array()) {
        return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(),
                          b.get_array().end(), same);
    }
    return a == b;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    std::size_t position = 0;
    const auto value = core::parse_json(text, {}, &position);
    if (!value) {
        fuzz::check_refusal(value.error());
        METERBOX_ASSERT(value.error().code == core::ErrorCode::malformed && position <= size);
        return 0;
    }
    METERBOX_ASSERT(members_of(*value) == keys_in(text));
    if (has_infinity(*value)) return 0;
    const auto again = core::parse_json(json::serialize(*value));
    METERBOX_ASSERT(again && same(*value, *again));
    return 0;
}
