// core/cloud_event_rules: base64, percent-encoding, media types, URIs. What is decoded is what was encoded;
// base64 has one spelling for one value; the parts of a media type lie within its text.
#include "core/cloud_event_rules.hpp"

#include "tests/fuzz/base64.hpp"
#include "tests/fuzz/event_forms.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::core;

bool lies_in(std::string_view part, std::string_view text) {
    return part.empty() || text.find(part) != std::string_view::npos;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    METERBOX_ASSERT(decode_base64(fuzz::base64(text)) == text);
    if (const auto bytes = decode_base64(text)) METERBOX_ASSERT(fuzz::base64(*bytes) == text);
    if (const auto value = decode_header_value(text)) {
        METERBOX_ASSERT(decode_header_value(fuzz::percent_encoded(*value)) == value);
        if (is_attribute_text(*value)) {
            METERBOX_ASSERT(std::none_of(value->begin(), value->end(),
                                         [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
        }
    }
    if (const auto type = parse_media_type(text)) {
        METERBOX_ASSERT(!type->type.empty() && !type->subtype.empty());
        METERBOX_ASSERT(lies_in(type->type, text) && lies_in(type->subtype, text) &&
                        lies_in(type->charset, text));
        METERBOX_ASSERT(parse_media_type(std::string(type->type) + "/" + std::string(type->subtype)));
        (void)is_json(*type);
        (void)has_readable_charset(*type);
    }
    if (is_uri(text)) METERBOX_ASSERT(is_uri_reference(text) && text.find(':') != std::string_view::npos);
    METERBOX_ASSERT(equals_ignoring_case(text, text));
    if (is_attribute_name(text)) METERBOX_ASSERT(!text.empty());
    return 0;
}
