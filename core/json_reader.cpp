// The strict parser: Boost.JSON's own incremental parser, fed in one piece, with a handler that
// builds the value and watches over what Boost.JSON lets pass (duplicate keys) or loses (an
// integer written as 5.0 or 1e3, which would otherwise become a float).
#include "core/json_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <memory_resource>
#include <vector>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

// The exact value of a JSON number with fraction or exponent, if it is an integer of at most
// 2^53 - 1 in size: what any reader takes for the same number, told without a float.
std::optional<std::int64_t> exact_integer(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const std::size_t exponent_at = text.find_first_of("eE");
    std::string_view digits = text.substr(0, exponent_at);
    std::int64_t exponent = 0;
    if (exponent_at != std::string_view::npos) {
        std::string_view sign_and_digits = text.substr(exponent_at + 1);
        const bool down = sign_and_digits.starts_with('-');
        if (down || sign_and_digits.starts_with('+')) sign_and_digits.remove_prefix(1);
        for (const char c : sign_and_digits)
            exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000'000);
        if (down) exponent = -exponent;
    }
    std::int64_t value = 0;
    std::int64_t pending_zeros = 0;  // seen, but not yet known to count
    bool after_point = false;
    for (const char c : digits) {
        if (c == '.') {
            after_point = true;
            continue;
        }
        if (after_point) --exponent;
        if (c == '0') {
            ++pending_zeros;
            continue;
        }
        for (; pending_zeros > 0; --pending_zeros) {
            if (value != 0 && (value *= 10) > limits::amount_max) return std::nullopt;
        }
        value = value * 10 + (c - '0');
        if (value > limits::amount_max) return std::nullopt;
    }
    if (value == 0) return 0;
    for (exponent += pending_zeros; exponent > 0; --exponent) {
        if ((value *= 10) > limits::amount_max) return std::nullopt;
    }
    if (exponent < 0) return std::nullopt;
    return negative ? -value : value;
}

// The keys of the objects that are open, outermost first. Small objects compare a new key with
// each of the others at once; of large ones the keys are sorted when the object is complete, so
// that many keys cost n log n, and no choice of keys can cost more.
class OpenKeys {
public:
    explicit OpenKeys(std::string_view text) : text_(text), keys_(&memory_) { keys_.reserve(32); }

    void open() {
        METERBOX_ASSERT(depth_ < starts_.size());
        starts_[depth_++] = keys_.size();
    }
    bool add(std::string_view key) {  // false: a duplicate
        const std::size_t start = starts_[depth_ - 1];
        if (keys_.size() - start < compared_at_once) {
            for (std::size_t i = start; i < keys_.size(); ++i) {
                if (keys_[i] == key) return false;
            }
        }
        keys_.push_back(kept(key));
        return true;
    }
    bool close() {  // false: there was a duplicate
        const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(starts_[--depth_]);
        bool unique = true;
        if (static_cast<std::size_t>(keys_.end() - first) > compared_at_once) {
            std::sort(first, keys_.end());
            unique = std::adjacent_find(first, keys_.end()) == keys_.end();
        }
        keys_.erase(first, keys_.end());
        return unique;
    }

private:
    static constexpr std::size_t compared_at_once = 16;

    // A key without escapes is a piece of the text; another one is copied.
    std::string_view kept(std::string_view key) {
        const std::less<const char*> before;
        if (!before(key.data(), text_.data()) && before(key.data(), text_.data() + text_.size())) return key;
        char* copy = static_cast<char*>(memory_.allocate(key.size() + 1, 1));
        std::copy(key.begin(), key.end(), copy);
        return {copy, key.size()};
    }

    std::string_view text_;
    std::array<std::byte, 1024> buffer_;
    std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};
    std::pmr::vector<std::string_view> keys_;
    std::array<std::size_t, limits::json_depth_max> starts_;
    std::size_t depth_ = 0;
};

struct Handler {
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    Handler(std::string_view text, json::storage_ptr storage)
        : stack({}, buffer.data(), buffer.size()), keys(text) {
        stack.reset(std::move(storage));
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) {
        keys.open();
        return true;
    }
    bool on_object_end(std::size_t n, json::error_code& ec) {
        if (!keys.close()) return duplicate(ec);
        stack.push_object(n);
        return true;
    }
    bool on_array_begin(json::error_code&) { return true; }
    bool on_array_end(std::size_t n, json::error_code&) {
        stack.push_array(n);
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        key_parts.append(part.data(), part.size());
        stack.push_chars(part);
        return true;
    }
    bool on_key(json::string_view last, std::size_t n, json::error_code& ec) {
        std::string_view key{last.data(), last.size()};
        if (n != last.size()) key = key_parts.append(key);
        if (!keys.add(key)) return duplicate(ec);
        key_parts.clear();
        stack.push_key(last);
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        stack.push_chars(part);
        return true;
    }
    bool on_string(json::string_view last, std::size_t, json::error_code&) {
        stack.push_string(last);
        return true;
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t i, json::string_view, json::error_code&) {
        stack.push_int64(i);
        return true;
    }
    bool on_uint64(std::uint64_t u, json::string_view, json::error_code&) {
        stack.push_uint64(u);
        return true;
    }
    bool on_double(double d, json::string_view number, json::error_code&) {
        if (const auto exact = exact_integer({number.data(), number.size()})) {
            stack.push_int64(*exact);
        } else {
            stack.push_double(d);
        }
        return true;
    }
    bool on_bool(bool b, json::error_code&) {
        stack.push_bool(b);
        return true;
    }
    bool on_null(json::error_code&) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    bool duplicate(json::error_code& ec) {
        found_duplicate = true;
        ec = json::error::not_exact;  // any error stops the parser; the flag says which it is
        return false;
    }

    std::array<unsigned char, 2048> buffer;
    json::value_stack stack;
    OpenKeys keys;
    std::string key_parts;
    bool found_duplicate = false;
};

// What to say of an error of Boost.JSON's, in words of someone who wrote the text.
std::string reason_of(const json::error_code& ec) {
    if (ec == json::error::too_deep) return "nested too deep";
    if (ec == json::error::incomplete) return "the text ends too early";
    if (ec == json::error::syntax) return "syntax error";
    if (ec == json::error::illegal_leading_surrogate || ec == json::error::illegal_trailing_surrogate ||
        ec == json::error::expected_utf16_escape) {
        return "half of a surrogate pair";
    }
    return ec.message();
}

Error malformed_at(std::string_view reason, std::size_t position) {
    return {ErrorCode::malformed,
            "not JSON: " + std::string{reason} + " at byte " + std::to_string(position),
            {},
            {}};
}

// Boost.JSON refuses a number for the length of its exponent, though it is JSON as any other. A billion, less
// one, is as good: no number that we take has one so large. In place, so that positions stay what they are.
std::string with_small_exponents(std::string_view text) {
    constexpr std::size_t digits_max = 9;
    std::string smaller{text};
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && (text[i] == 'e' || text[i] == 'E')) {
            const std::size_t sign =
                text.substr(i + 1).starts_with('-') || text.substr(i + 1).starts_with('+');
            const std::size_t first = std::min(text.find_first_not_of('0', i + 1 + sign), text.size());
            const std::size_t end = std::min(text.find_first_not_of("0123456789", first), text.size());
            if (end - first <= digits_max) continue;
            std::fill(smaller.begin() + first, smaller.begin() + end - digits_max, '0');
            std::fill(smaller.begin() + end - digits_max, smaller.begin() + end, '9');
        }
    }
    return smaller;
}

Result<json::value> parse_once(std::string_view text, json::storage_ptr storage, std::size_t* error_position,
                               json::error_code& ec) {
    json::parse_options options;
    options.max_depth = limits::json_depth_max;
    json::basic_parser<Handler> parser{options, text, std::move(storage)};
    const std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
    if (!ec && consumed == text.size()) return parser.handler().stack.release();
    if (error_position) *error_position = consumed;
    if (parser.handler().found_duplicate) return malformed_at("a key is there twice", consumed);
    if (ec) return malformed_at(reason_of(ec), consumed);
    return malformed_at("text after the end of the value", consumed);
}

}  // namespace

Result<json::value> parse_json(std::string_view text, json::storage_ptr storage,
                               std::size_t* error_position) {
    json::error_code ec;
    Result<json::value> value = parse_once(text, storage, error_position, ec);
    if (ec != json::error::exponent_overflow) return value;
    return parse_once(with_small_exponents(text), std::move(storage), error_position, ec);
}

}  // namespace meterbox::core
