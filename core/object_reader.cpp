// ObjectReader: members of an object by name, each with its type and range checked.
#include <algorithm>

#include "core/json_reader.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

std::string escaped(std::string_view member) {  // RFC 6901
    std::string text;
    for (const char c : member) {
        if (c == '~') {
            text += "~0";
        } else if (c == '/') {
            text += "~1";
        } else {
            text += c;
        }
    }
    return text;
}

std::string range_text(std::int64_t min, std::int64_t max) {
    return "must be an integer from " + std::to_string(min) + " to " + std::to_string(max);
}

}  // namespace

ObjectReader::ObjectReader(const json::value& value, std::string pointer)
    : object_(value.if_object()), pointer_(std::move(pointer)) {
    if (!object_) error_ = Error{ErrorCode::malformed, "must be an object", {}, pointer_};
}

std::string ObjectReader::pointer_to(std::string_view member) const {
    return pointer_ + '/' + escaped(member);
}

void ObjectReader::fail(std::string_view member, std::string detail, ErrorCode code) {
    if (error_) return;
    error_ = Error{code, std::string{member} + ' ' + detail, {}, pointer_to(member)};
}

void ObjectReader::take(const Error& error) {
    if (!error_) error_ = error;
}

bool ObjectReader::has(std::string_view member) const {
    if (!object_) return false;
    const json::value* found = object_->if_contains(json::string_view{member.data(), member.size()});
    return found && !found->is_null();
}

const json::value* ObjectReader::value(std::string_view member) {
    if (error_) return nullptr;
    const json::value* found = object_->if_contains(json::string_view{member.data(), member.size()});
    if (!found) fail(member, "is missing");
    return found;
}

const json::array* ObjectReader::array(std::string_view member) {
    const json::value* found = value(member);
    if (!found) return nullptr;
    if (!found->is_array()) fail(member, "must be an array");
    return found->if_array();
}

std::string ObjectReader::string(std::string_view member) {
    const json::value* found = value(member);
    if (!found) return {};
    const json::string* text = found->if_string();
    if (!text) {
        fail(member, "must be a string");
        return {};
    }
    return {text->data(), text->size()};
}

std::optional<std::string> ObjectReader::optional_string(std::string_view member) {
    if (!has(member)) return std::nullopt;
    return string(member);
}

std::int64_t ObjectReader::integer(std::string_view member, std::int64_t min, std::int64_t max) {
    const json::value* found = value(member);
    if (!found) return std::max<std::int64_t>(min, 0);
    const std::int64_t* number = found->if_int64();
    if (!number || *number < min || *number > max) {
        fail(member, range_text(min, max));
        return std::max<std::int64_t>(min, 0);
    }
    return *number;
}

std::optional<std::int64_t> ObjectReader::optional_integer(std::string_view member, std::int64_t min,
                                                           std::int64_t max) {
    if (!has(member)) return std::nullopt;
    return integer(member, min, max);
}

bool ObjectReader::boolean(std::string_view member) {
    const json::value* found = value(member);
    if (!found) return false;
    if (!found->is_bool()) {
        fail(member, "must be true or false");
        return false;
    }
    return found->get_bool();
}

bool ObjectReader::boolean_or(std::string_view member, bool fallback) {
    return has(member) ? boolean(member) : fallback;
}

}  // namespace meterbox::core
