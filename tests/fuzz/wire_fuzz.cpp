// core/wire: the messages between agent and account. The input's first letter says which (e, h, s, r:
// enroll, hello, sync, retire; small: the request, large: the reply), the rest is its text. A message that is
// taken is the same when it is written and read again, and holds no number beyond its limits.
#include "core/wire.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "core/limits.hpp"
#include "core/wire_retirement.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

namespace json = boost::json;
using namespace meterbox;
using namespace meterbox::core;

// Totals may pass counter_max by what sessions meter on top of reports, but never twice that.
void check_numbers(const json::value& value) {
    if (const json::object* object = value.if_object()) {
        for (const auto& member : *object) check_numbers(member.value());
    } else if (const json::array* array = value.if_array()) {
        for (const json::value& item : *array) check_numbers(item);
    } else if (value.is_number()) {
        METERBOX_ASSERT(value.is_int64() && value.get_int64() >= 0);
        METERBOX_ASSERT(value.get_int64() <= 2 * limits::counter_max);
    }
}

template <class Message>
void check(std::string_view text, Result<Message> (*from_json)(std::string_view)) {
    const Result<Message> message = from_json(text);
    if (!message) return fuzz::check_refusal(message.error());
    const std::string written = wire::to_json(*message);
    const Result<Message> again = from_json(written);
    METERBOX_ASSERT(again && wire::to_json(*again) == written);
    check_numbers(*parse_json(written));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text = fuzz::text_of(data, size).substr(1);
    switch (data[0]) {
        case 'e':
            check(text, wire::enroll_request_from_json);
            break;
        case 'E':
            check(text, wire::enroll_reply_from_json);
            break;
        case 'h':
            check(text, wire::hello_request_from_json);
            break;
        case 'H':
            check(text, wire::hello_reply_from_json);
            break;
        case 's':
            check(text, wire::sync_request_from_json);
            break;
        case 'S':
            check(text, wire::sync_reply_from_json);
            break;
        case 'r':
            check(text, wire::retire_request_from_json);
            break;
        case 'R':
            check(text, wire::retire_reply_from_json);
            break;
        default:
            break;
    }
    return 0;
}
