// platform/tls/encoding: base64url has one text for one value, both ways.
#include "platform/tls/encoding.hpp"

#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meterbox;
    using namespace meterbox::platform::tls;
    const std::string_view text = fuzz::text_of(data, size);
    METERBOX_ASSERT(base64url_decode(base64url_encode(text)) == text);
    if (const auto bytes = base64url_decode(text)) METERBOX_ASSERT(base64url_encode(*bytes) == text);
    METERBOX_ASSERT(hex_encode(text).size() == 2 * size);
    return 0;
}
