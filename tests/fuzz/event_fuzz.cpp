// core/cloud_event, the JSON forms: an event that is taken is within its limits and the same in every form
// that it can be written in; alone and as a batch of one it gets the same verdict.
#include "tests/fuzz/event_forms.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::core;

void check_batch(std::string_view text) {
    const auto batch = parse_event_batch(text);
    if (!batch) return fuzz::check_refusal(batch.error());
    METERBOX_ASSERT(batch->size() <= limits::batch_events_max);
    std::string again = "[";
    for (const UsageEvent& event : *batch) {
        fuzz::check_event(event);
        again += (again.size() == 1 ? "" : ",") + fuzz::structured(event);
    }
    const auto rewritten = parse_event_batch(again + "]");
    METERBOX_ASSERT(rewritten);
    METERBOX_ASSERT(
        std::equal(rewritten->begin(), rewritten->end(), batch->begin(), batch->end(), fuzz::same));
}

void check_alone(std::string_view text) {
    const auto event = parse_structured_event(text);
    const auto batch = parse_event_batch("[" + std::string(text) + "]");
    if (!event) {
        fuzz::check_refusal(event.error());
        METERBOX_ASSERT(!batch || batch->size() != 1);
        return;
    }
    fuzz::check_event(*event);
    if (batch) {
        METERBOX_ASSERT(batch->size() == 1 && fuzz::same(batch->front(), *event));
    } else {  // a batch is one level of nesting more
        METERBOX_ASSERT(batch.error().detail.find("too deep") != std::string::npos);
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    check_batch(text);
    check_alone(text);
    return 0;
}
