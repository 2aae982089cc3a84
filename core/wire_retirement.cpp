#include "core/wire_retirement.hpp"

#include <boost/json/serialize.hpp>

#include "core/wire_parts.hpp"

namespace meterbox::core::wire {
namespace {

namespace json = boost::json;

json::object write_slot(const RemainderSlot& slot) {
    return {{"resource", slot.resource}, {"tranche", slot.tranche}};
}

RemainderSlot read_slot(ObjectReader& reader) {
    RemainderSlot slot;
    slot.resource = read_key(reader, "resource");
    slot.tranche = read_text(reader, "tranche", limits::message_id_bytes_max);
    return slot;
}

}  // namespace

std::string to_json(const RetireRequest& message) {
    json::object object;
    object["session"] = message.session;
    object["resources"] = json_list(message.resources, write_counters);
    object["usage"] = json_list(message.usage, write_usage);
    object["more_usage"] = message.more_usage;
    object["slots"] = json_list(message.slots, write_slot);
    object["journal"] = {{"acknowledged", write_head(message.acknowledged)},
                         {"head", write_head(message.head)},
                         {"starts", json_list(message.starts, write_head)}};
    return json::serialize(object);
}

std::string to_json(const RetireReply& message) {
    return json::serialize(json::object{{"receipt", json_or_null(message.receipt)},
                                        {"server_time", json_of(message.server_time)}});
}

Result<RetireRequest> retire_request_from_json(std::string_view text) {
    const Result<json::value> value = parse_json(text);
    if (!value) return value.error();
    ObjectReader reader{*value, ""};
    RetireRequest message;
    message.session = read_text_or_empty(reader, "session", limits::message_id_bytes_max);
    message.resources = read_all_counters(reader);
    message.usage = read_list<UsageRow>(reader, "usage", limits::sync_usage_rows_max, read_usage);
    message.more_usage = reader.boolean_or("more_usage", false);
    message.slots = read_list<RemainderSlot>(reader, "slots", limits::message_resources_max, read_slot);
    read_object(reader, "journal", [&message](ObjectReader& journal) {
        message.acknowledged = read_object(journal, "acknowledged", read_head);
        message.head = read_object(journal, "head", read_head);
        message.starts = read_starts(journal);
        return 0;
    });
    if (!reader.ok()) return reader.error();
    return message;
}

Result<RetireReply> retire_reply_from_json(std::string_view text) {
    const Result<json::value> value = parse_json(text);
    if (!value) return value.error();
    ObjectReader reader{*value, ""};
    RetireReply message;
    message.receipt = read_text_or_empty(reader, "receipt", limits::message_id_bytes_max);
    message.server_time = read_time(reader, "server_time");
    if (!reader.ok()) return reader.error();
    return message;
}

}  // namespace meterbox::core::wire
