// Reading JSON from outside: one strict parser (duplicate keys, nesting deeper than
// limits::json_depth_max, invalid UTF-8, trailing text: malformed) and a cursor that takes members
// out of an object with their types and ranges checked, naming the JSON Pointer of what is wrong.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace meterbox::core {

// storage: where the value's memory comes from (a monotonic resource on the hot path).
// error_position: if given, told the byte at which an error was found.
[[nodiscard]] Result<boost::json::value> parse_json(std::string_view text,
                                                    boost::json::storage_ptr storage = {},
                                                    std::size_t* error_position = nullptr);

// Reads members of one object. The first error sticks and is returned by error(); reads after it
// give default values, so that a caller checks once, at the end.
class ObjectReader {
public:
    ObjectReader(const boost::json::value& value, std::string pointer);

    bool has(std::string_view member) const;  // present and not null
    std::string string(std::string_view member);
    std::optional<std::string> optional_string(std::string_view member);
    std::int64_t integer(std::string_view member, std::int64_t min, std::int64_t max);
    std::optional<std::int64_t> optional_integer(std::string_view member, std::int64_t min, std::int64_t max);
    bool boolean(std::string_view member);
    bool boolean_or(std::string_view member, bool fallback);
    const boost::json::value* value(std::string_view member);  // null pointer and an error if missing
    const boost::json::array* array(std::string_view member);  // the same, also if it's not an array

    std::string pointer_to(std::string_view member) const;
    void fail(std::string_view member, std::string detail, ErrorCode code = ErrorCode::malformed);
    void take(const Error& error);  // the error of a nested reader
    bool ok() const { return !error_; }
    const Error& error() const { return *error_; }  // requires !ok()

private:
    const boost::json::object* object_ = nullptr;
    std::string pointer_;
    std::optional<Error> error_;
};

}  // namespace meterbox::core
