// A JSON text with one member replaced, added or taken out, by JSON Pointer: how a test makes one
// thing wrong at a time.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace meterbox::tests {

using Json = boost::json::value_ref;  // of anything, texts and lists included

inline std::string edited(std::string_view text, std::string_view pointer, Json replacement) {
    boost::json::value document = boost::json::parse({text.data(), text.size()});
    const std::size_t slash = pointer.rfind('/');
    const std::string name{pointer.substr(slash + 1)};
    boost::json::value& parent = document.at_pointer({pointer.data(), slash});
    if (parent.is_object()) {
        parent.as_object()[name] = boost::json::value(replacement);
    } else {
        parent.as_array().at(std::stoul(name)) = boost::json::value(replacement);
    }
    return boost::json::serialize(document);
}

inline std::string without(std::string_view text, std::string_view pointer) {
    boost::json::value document = boost::json::parse({text.data(), text.size()});
    const std::size_t slash = pointer.rfind('/');
    boost::json::value& parent = document.at_pointer({pointer.data(), slash});
    parent.as_object().erase({pointer.data() + slash + 1, pointer.size() - slash - 1});
    return boost::json::serialize(document);
}

}  // namespace meterbox::tests
