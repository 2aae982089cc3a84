// core/cloud_event, binary mode, as /v1/events and /api/v1/events choose it. The input is a request's
// header, "name: value" by line, an empty line, and its body. An event that is taken is within its limits
// and the same in every form that it can be written in.
#include "core/cloud_event_rules.hpp"
#include "tests/fuzz/event_forms.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::core;

struct Sent {
    fuzz::Headers headers;
    std::string content_type;
    std::string_view body;
};

Sent split(std::string_view text) {
    Sent sent;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty()) break;
        const std::size_t colon = std::min(line.size(), line.find(": "));
        const std::string_view value = line.substr(std::min(line.size(), colon + 2));
        sent.headers.emplace_back(line.substr(0, colon), value);
        if (equals_ignoring_case(line.substr(0, colon), "content-type")) sent.content_type = value;
    }
    sent.body = text;
    return sent;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Sent sent = split(fuzz::text_of(data, size));
    const auto mode = event_mode(sent.content_type, true);
    const auto without_headers = event_mode(sent.content_type, false);
    METERBOX_ASSERT(without_headers ? mode == without_headers : !mode || *mode == EventMode::binary);
    const auto event = fuzz::parse_binary(sent.headers, sent.content_type, sent.body);
    if (!event) {
        fuzz::check_refusal(event.error());
        METERBOX_ASSERT(event.error().code == ErrorCode::malformed ||
                        event.error().code == ErrorCode::invalid ||
                        event.error().code == ErrorCode::unsupported_media_type);
        return 0;
    }
    fuzz::check_event(*event);
    return 0;
}
