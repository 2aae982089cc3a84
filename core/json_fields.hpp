// What the readers of cards, leases and messages share: members that are times, names out of a
// table, bounded texts and lists, on top of ObjectReader; and the writing of what may be absent.
// Inside core only.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_reader.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

inline boost::json::string_view json_text(std::string_view text) {
    return {text.data(), text.size()};
}

// Writing: an absent value is null.
boost::json::value json_of(UtcTime time);
boost::json::value json_of(const std::optional<UtcTime>& time);
boost::json::value json_of(const std::optional<Units>& units);
boost::json::value json_or_null(std::string_view text);  // null when empty

template <class T, class Write>
boost::json::array json_list(const std::vector<T>& items, Write write) {
    boost::json::array array;
    array.reserve(items.size());
    for (const T& item : items) array.push_back(write(item));
    return array;
}

// Reading: an error goes to the reader, and what is returned then doesn't matter.
UtcTime read_time(ObjectReader& reader, std::string_view member);
std::optional<UtcTime> read_optional_time(ObjectReader& reader, std::string_view member);
std::optional<UtcTime> time_from(const boost::json::value& value);
Units read_units(ObjectReader& reader, std::string_view member, std::int64_t max);
std::optional<Units> read_optional_units(ObjectReader& reader, std::string_view member, std::int64_t max);
Amount read_amount(ObjectReader& reader, std::string_view member, std::int64_t max);
// At least one byte, at most so many.
std::string read_text(ObjectReader& reader, std::string_view member, std::size_t bytes_max);
// Absent, null and empty are the same.
std::string read_text_or_empty(ObjectReader& reader, std::string_view member, std::size_t bytes_max);
std::string read_key(ObjectReader& reader, std::string_view member);

// A name of an enumeration; from is its table's reader, such as tier_from.
template <class Enum>
Enum read_name(ObjectReader& reader, std::string_view member, std::optional<Enum> (*from)(std::string_view)) {
    const std::string name = reader.string(member);
    const std::optional<Enum> value = from(name);
    if (!value) reader.fail(member, "is not a name known here");
    return value.value_or(Enum{});
}

// Each element of a list of objects through read(ObjectReader&), as long as nothing is wrong.
template <class T, class Read>
std::vector<T> read_list(ObjectReader& reader, std::string_view member, std::size_t max, Read read) {
    std::vector<T> items;
    const boost::json::array* array = reader.array(member);
    if (!array) return items;
    if (array->size() > max) {
        reader.fail(member, "has more than " + std::to_string(max) + " elements");
        return items;
    }
    items.reserve(array->size());
    for (std::size_t i = 0; i < array->size() && reader.ok(); ++i) {
        ObjectReader element{(*array)[i], reader.pointer_to(member) + '/' + std::to_string(i)};
        T item = read(element);
        if (element.ok()) {
            items.push_back(std::move(item));
        } else {
            reader.take(element.error());
        }
    }
    return items;
}

// A nested object through read(ObjectReader&).
template <class Read>
auto read_object(ObjectReader& reader, std::string_view member, Read read) {
    static const boost::json::value nothing = boost::json::object{};
    const boost::json::value* found = reader.value(member);
    ObjectReader nested{found ? *found : nothing, reader.pointer_to(member)};
    auto item = read(nested);
    if (!nested.ok()) reader.take(nested.error());
    return item;
}

}  // namespace meterbox::core
