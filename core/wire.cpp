// The six messages between agent and account, to JSON and back (docs/PROTOCOL.md, Messages).
#include "core/wire.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "core/wire_parts.hpp"

namespace meterbox::core::wire {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> verdicts{"ok", "learning", "fenced", "retired", "upgrade"};

template <class Message, class Read>
Result<Message> read_message(std::string_view text, Read read) {
    const Result<json::value> value = parse_json(text);
    if (!value) return value.error();
    ObjectReader reader{*value, ""};
    Message message = read(reader);
    if (!reader.ok()) return reader.error();
    return message;
}

std::string read_nonce(ObjectReader& reader) {
    std::string nonce = reader.string("nonce");
    const bool hex = std::all_of(nonce.begin(), nonce.end(),
                                 [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (nonce.size() != 32 || !hex) reader.fail("nonce", "must be 16 bytes in lower-case hex");
    return nonce;
}

ClockStatement read_clock(ObjectReader& reader) {
    ClockStatement clock;
    clock.estimate = read_time(reader, "estimate");
    clock.quality = reader.string("quality");
    if (clock.quality != "trusted" && clock.quality != "estimated" && clock.quality != "unset") {
        reader.fail("quality", "must be trusted, estimated or unset");
    }
    clock.high_water = read_time(reader, "high_water");
    return clock;
}

std::vector<Card> read_cards(ObjectReader& reader) {
    return read_list<Card>(reader, "cards", limits::message_resources_max, card_from_reader);
}

EnrollRequest read_enroll_request(ObjectReader& reader) {
    EnrollRequest message;
    message.token = read_text(reader, "token", limits::message_text_bytes_max);
    message.request = read_text(reader, "request", limits::message_pem_bytes_max);
    message.name = read_text(reader, "name", limits::message_text_bytes_max);
    return message;
}

EnrollReply read_enroll_reply(ObjectReader& reader) {
    EnrollReply message;
    message.agent = read_text(reader, "agent", limits::message_id_bytes_max);
    message.team = read_key(reader, "team");
    message.account = read_text(reader, "account", limits::message_id_bytes_max);
    message.certificate = read_text(reader, "certificate", limits::message_pem_bytes_max);
    message.ca = read_text(reader, "ca", limits::message_pem_bytes_max);
    message.lease_keys = read_lease_keys(reader);
    return message;
}

ProtocolRange read_range(ObjectReader& reader) {
    ProtocolRange range;
    range.min = static_cast<int>(reader.integer("protocol_min", 1, limits::protocol_version_max));
    range.max = static_cast<int>(reader.integer("protocol_max", range.min, limits::protocol_version_max));
    return range;
}

HelloRequest read_hello_request(ObjectReader& reader) {
    HelloRequest message;
    const ProtocolRange range = read_range(reader);
    message.protocol_min = range.min;
    message.protocol_max = range.max;
    message.agent = read_text(reader, "agent", limits::message_id_bytes_max);
    message.incarnation = reader.integer("incarnation", 1, limits::counter_max);
    message.boot_id = read_text_or_empty(reader, "boot_id", limits::message_id_bytes_max);
    message.version = read_text_or_empty(reader, "version", limits::message_text_bytes_max);
    read_object(reader, "journal", [&message](ObjectReader& journal) {
        message.head = read_head(journal);
        if (journal.has("acknowledged"))
            message.acknowledged = read_object(journal, "acknowledged", read_head);
        message.starts = read_starts(journal);
        return 0;
    });
    message.last_lease = read_text_or_empty(reader, "last_lease", limits::lease_bytes_max);
    message.resources = read_all_counters(reader);
    message.nonce = read_nonce(reader);
    message.clock = read_object(reader, "clock", read_clock);
    return message;
}

HelloReply read_hello_reply(ObjectReader& reader) {
    HelloReply message;
    message.verdict = read_name(reader, "verdict", verdict_from);
    if (reader.has("protocol_min")) {
        const ProtocolRange range = read_range(reader);
        message.protocol_min = range.min;
        message.protocol_max = range.max;
    }
    if (message.verdict == Verdict::upgrade) return message;  // the rest may be as another version has it
    message.protocol = static_cast<int>(reader.integer("protocol", 1, limits::protocol_version_max));
    message.session = read_text_or_empty(reader, "session", limits::message_id_bytes_max);
    message.epoch = reader.integer("epoch", 1, limits::counter_max);
    message.incarnation = reader.integer("incarnation", 1, limits::counter_max);
    const bool opened = message.verdict == Verdict::ok || message.verdict == Verdict::learning;
    if (opened && message.session.empty()) reader.fail("session", "must not be empty");
    message.acknowledged = read_object(reader, "acknowledged", read_head);
    message.usage_acknowledged = reader.optional_integer("usage_acknowledged", 0, limits::counter_max)
                                     .value_or(message.acknowledged.sequence);
    message.server_time = read_time(reader, "server_time");
    message.catalogue = read_catalogue(reader);
    message.catalogue_version = reader.integer("catalogue_version", 0, limits::counter_max);
    message.lease_keys = read_lease_keys(reader);
    return message;
}

SyncRequest read_sync_request(ObjectReader& reader) {
    SyncRequest message;
    message.session = read_text(reader, "session", limits::message_id_bytes_max);
    message.request_number = reader.integer("request_number", 0, limits::counter_max);
    message.resources = read_all_counters(reader);
    message.usage = read_list<UsageRow>(reader, "usage", limits::sync_usage_rows_max, read_usage);
    read_object(reader, "journal", [&message](ObjectReader& journal) {
        message.acknowledged = read_object(journal, "acknowledged", read_head);
        message.head = read_object(journal, "head", read_head);
        message.starts = read_starts(journal);
        return 0;
    });
    message.catalogue_version = reader.integer("catalogue_version", 0, limits::counter_max);
    message.more_usage = reader.boolean_or("more_usage", false);
    message.lease_number = reader.optional_integer("lease_number", 0, limits::counter_max);
    return message;
}

SyncReply read_sync_reply(ObjectReader& reader) {
    SyncReply message;
    message.request_number = reader.integer("request_number", 0, limits::counter_max);
    message.acknowledged = read_object(reader, "acknowledged", read_head);
    message.server_time = read_time(reader, "server_time");
    if (reader.has("lease")) message.lease = read_text(reader, "lease", limits::lease_bytes_max);
    message.recall =
        read_list<Recall>(reader, "recall", limits::message_resources_max, [](ObjectReader& element) {
            return Recall{read_key(element, "resource"), read_units(element, "units", limits::counter_max)};
        });
    if (reader.has("wait_ticket")) {
        message.wait_ticket = read_text(reader, "wait_ticket", limits::message_id_bytes_max);
    }
    message.cards = read_cards(reader);
    if (const auto seconds =
            reader.optional_integer("next_sync_s", 1, limits::sync_interval_max_ms / second_ms)) {
        message.next_sync_ms = *seconds * second_ms;
    }
    if (reader.has("catalogue")) message.catalogue = read_catalogue(reader);
    message.catalogue_version = reader.integer("catalogue_version", 0, limits::counter_max);
    message.learning = reader.boolean_or("learning", false);
    return message;
}

// A part of a second would ask for a sync at once, again and again: it counts as a whole one.
json::value seconds_of(const std::optional<std::int64_t>& ms) {
    if (!ms) return nullptr;
    return std::max<std::int64_t>(1, (*ms + second_ms - 1) / second_ms);
}

json::value text_or_null(const std::optional<std::string>& text) {
    return text ? json::value(json_text(*text)) : json::value{};
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    const auto row = static_cast<std::size_t>(verdict);
    METERBOX_ASSERT(row < verdicts.size());
    return verdicts[row];
}

std::optional<Verdict> verdict_from(std::string_view name) {
    const auto found = std::find(verdicts.begin(), verdicts.end(), name);
    if (found == verdicts.end()) return std::nullopt;
    return static_cast<Verdict>(found - verdicts.begin());
}

std::string to_json(const EnrollRequest& message) {
    return json::serialize(
        json::object{{"token", message.token}, {"request", message.request}, {"name", message.name}});
}

std::string to_json(const EnrollReply& message) {
    json::object object;
    object["agent"] = message.agent;
    object["team"] = message.team;
    object["account"] = message.account;
    object["certificate"] = message.certificate;
    object["ca"] = message.ca;
    object["lease_keys"] = write_lease_keys(message.lease_keys);
    return json::serialize(object);
}

std::string to_json(const HelloRequest& message) {
    json::object object;
    object["protocol_min"] = message.protocol_min;
    object["protocol_max"] = message.protocol_max;
    object["agent"] = message.agent;
    object["incarnation"] = message.incarnation;
    object["boot_id"] = message.boot_id;
    object["version"] = message.version;
    json::object journal = write_head(message.head);
    journal["acknowledged"] = write_head(message.acknowledged);
    journal["starts"] = json_list(message.starts, write_head);
    object["journal"] = std::move(journal);
    object["last_lease"] = json_or_null(message.last_lease);
    object["resources"] = json_list(message.resources, write_counters);
    object["nonce"] = message.nonce;
    object["clock"] = {{"estimate", json_of(message.clock.estimate)},
                       {"quality", message.clock.quality},
                       {"high_water", json_of(message.clock.high_water)}};
    return json::serialize(object);
}

std::string to_json(const HelloReply& message) {
    json::object object;
    object["protocol"] = message.protocol;
    object["protocol_min"] = message.protocol_min;
    object["protocol_max"] = message.protocol_max;
    object["session"] = json_or_null(message.session);
    object["epoch"] = message.epoch;
    object["incarnation"] = message.incarnation;
    object["verdict"] = json_text(name_of(message.verdict));
    object["acknowledged"] = write_head(message.acknowledged);
    object["usage_acknowledged"] = message.usage_acknowledged;
    object["server_time"] = json_of(message.server_time);
    object["catalogue"] = write_catalogue(message.catalogue);
    object["catalogue_version"] = message.catalogue_version;
    object["lease_keys"] = write_lease_keys(message.lease_keys);
    return json::serialize(object);
}

std::string to_json(const SyncRequest& message) {
    json::object object;
    object["session"] = message.session;
    object["request_number"] = message.request_number;
    object["resources"] = json_list(message.resources, write_counters);
    object["usage"] = json_list(message.usage, write_usage);
    object["journal"] = {{"acknowledged", write_head(message.acknowledged)},
                         {"head", write_head(message.head)},
                         {"starts", json_list(message.starts, write_head)}};
    object["catalogue_version"] = message.catalogue_version;
    object["more_usage"] = message.more_usage;
    if (message.lease_number) object["lease_number"] = *message.lease_number;
    return json::serialize(object);
}

std::string to_json(const SyncReply& message) {
    json::object object;
    object["request_number"] = message.request_number;
    object["acknowledged"] = write_head(message.acknowledged);
    object["server_time"] = json_of(message.server_time);
    object["lease"] = text_or_null(message.lease);
    object["recall"] = json_list(message.recall, [](const Recall& recall) {
        return json::object{{"resource", recall.resource}, {"units", recall.units.value()}};
    });
    object["wait_ticket"] = text_or_null(message.wait_ticket);
    object["cards"] = json_list(message.cards, card_with_turns_to_json);
    if (message.learning) object["learning"] = true;
    object["next_sync_s"] = seconds_of(message.next_sync_ms);
    object["catalogue"] = nullptr;
    if (message.catalogue) object["catalogue"] = write_catalogue(*message.catalogue);
    object["catalogue_version"] = message.catalogue_version;
    return json::serialize(object);
}

Result<ProtocolRange> protocol_range_from_json(std::string_view hello) {
    return read_message<ProtocolRange>(hello, read_range);
}
Result<EnrollRequest> enroll_request_from_json(std::string_view text) {
    return read_message<EnrollRequest>(text, read_enroll_request);
}
Result<EnrollReply> enroll_reply_from_json(std::string_view text) {
    return read_message<EnrollReply>(text, read_enroll_reply);
}
Result<HelloRequest> hello_request_from_json(std::string_view text) {
    return read_message<HelloRequest>(text, read_hello_request);
}
Result<HelloReply> hello_reply_from_json(std::string_view text) {
    return read_message<HelloReply>(text, read_hello_reply);
}
Result<SyncRequest> sync_request_from_json(std::string_view text) {
    return read_message<SyncRequest>(text, read_sync_request);
}
Result<SyncReply> sync_reply_from_json(std::string_view text) {
    return read_message<SyncReply>(text, read_sync_reply);
}

}  // namespace meterbox::core::wire
