// platform/http/response_reader: one answer, or a stream of server-sent events. What it reads as doesn't
// depend on how its bytes were split.
#include "platform/http/response_reader.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/splitting.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::platform::http;

constexpr std::size_t body_bytes_max = 1024 * 1024;

std::string text_of(const ClientResponse& response) {
    std::string text = std::to_string(response.status) + '|' + response.content_type + '|' + response.body;
    for (const auto& [name, value] : response.headers) text += '|' + name + ':' + value;
    return text;
}

std::string read_as(std::string_view text, fuzz::Splitting splitting, bool is_head_request) {
    ResponseReader reader(is_head_request, body_bytes_max);
    std::string events;
    bool refused = false;
    fuzz::feed(text, splitting, [&](std::string_view piece) {
        const auto taken = reader.take(piece);
        if (!taken) fuzz::check_refusal(taken.error());
        refused = !taken;
        if (refused || !reader.has_head() || !reader.is_stream()) return !refused;
        while (const auto event = reader.next_event()) events += event->event + '=' + event->data + '\n';
        return true;
    });
    if (refused) return "refused";
    const bool was_complete = reader.is_complete();
    const auto ended = reader.end();
    if (!ended) fuzz::check_refusal(ended.error());
    METERBOX_ASSERT(ended || !was_complete);
    return text_of(reader.response()) + '|' + events + (was_complete ? "complete" : "") +
           (ended ? "ended" : "");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The parser looks at the lines of a header that came in parts once it has ended.
    const std::string text = std::string(fuzz::text_of(data, size)) + "\r\n\r\n";
    for (const bool is_head_request : {false, true}) {
        const std::string whole = read_as(text, fuzz::Splitting::none, is_head_request);
        METERBOX_ASSERT(read_as(text, fuzz::Splitting::every_byte, is_head_request) == whole);
        METERBOX_ASSERT(read_as(text, fuzz::Splitting::by_content, is_head_request) == whole);
    }
    return 0;
}
