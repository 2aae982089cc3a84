// A prepared statement and the row it stands on, of whichever database. Parameters are bound by position with
// their own types, and are not copied: text and blobs must live until the statement is done. Views into
// columns are good until next(). A wrong number of parameters is a bug, not an error.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::platform::sql {

using Blob = std::span<const std::byte>;

// What a value that isn't there would have been: some databases want to know.
enum class ValueType { unknown, integer, text, blob };

class Row {
public:
    virtual std::int64_t integer(int column) const = 0;
    virtual std::string_view text(int column) const = 0;
    virtual bool is_null(int column) const = 0;

    std::string string(int column) const { return std::string(text(column)); }
    std::optional<std::int64_t> optional_integer(int column) const {
        if (is_null(column)) return std::nullopt;
        return integer(column);
    }

protected:
    ~Row() = default;
};

class Statement : public Row {
public:
    virtual ~Statement() = default;

    virtual void expect_parameters(std::size_t count) const = 0;
    virtual void bind_integer(int position, std::int64_t value) = 0;
    virtual void bind_text(int position, std::string_view value) = 0;
    virtual void bind_blob(int position, Blob value) = 0;
    virtual void bind_null(int position, ValueType type) = 0;

    // To its end; then it is ready for the next time.
    [[nodiscard]] virtual core::Result<void> run_bound() = 0;
    // The same; but its failure may be told by a later statement of its transaction, at the latest by the one
    // that ends its savepoint, or by the commit.
    [[nodiscard]] virtual core::Result<void> run_unheard() { return run_bound(); }
    // true: a row is there; false: that was all.
    [[nodiscard]] virtual core::Result<bool> next() = 0;
    virtual void reset() = 0;

    // The same for many values of its parameters: bind(i) binds those of the i-th. All at once where that is
    // less work, and then their rows come in any order.
    using BindNth = std::function<void(std::size_t)>;
    using RowOfNth = std::function<void(std::size_t, Row&)>;
    [[nodiscard]] virtual core::Result<void> each_of(std::size_t count, const BindNth& bind,
                                                     const RowOfNth& row);
    // As run_unheard(). No two of them write the same row.
    [[nodiscard]] virtual core::Result<void> run_each_of(std::size_t count, const BindNth& bind);
};

// How values of the domain are bound: integers, Quantity and TimePoint, text, Blob, IdentityHash, nullptr,
// and optionals of them. Target: a Statement; with its own type, no call is virtual.
template <class Target>
class Binding {
public:
    explicit Binding(Target& target) : target_(target) {}

    template <class... Values>
    void all(const Values&... values) {
        target_.expect_parameters(sizeof...(values));
        int position = 0;
        (bind(++position, values), ...);
    }

private:
    template <std::integral T>
    void bind(int position, T value) {
        target_.bind_integer(position, static_cast<std::int64_t>(value));
    }
    template <class Tag>
    void bind(int position, core::Quantity<Tag> value) {
        target_.bind_integer(position, value.value());
    }
    template <class Tag>
    void bind(int position, core::TimePoint<Tag> value) {
        target_.bind_integer(position, value.ms);
    }
    void bind(int position, core::UtcHour value) { target_.bind_integer(position, value.number); }
    void bind(int position, std::string_view value) { target_.bind_text(position, value); }
    void bind(int position, const std::string& value) { target_.bind_text(position, value); }
    void bind(int position, const char* value) { target_.bind_text(position, value); }
    void bind(int position, Blob value) { target_.bind_blob(position, value); }
    void bind(int position, const core::IdentityHash& value) { target_.bind_blob(position, value.bytes); }
    void bind(int position, std::nullptr_t) { target_.bind_null(position, ValueType::unknown); }
    template <class T>
    void bind(int position, const std::optional<T>& value) {
        if (value) {
            bind(position, *value);
        } else {
            target_.bind_null(position, type_of<T>());
        }
    }

    template <class T>
    static constexpr ValueType type_of() {
        if constexpr (std::is_convertible_v<const T&, std::string_view>) return ValueType::text;
        if constexpr (std::is_same_v<T, core::IdentityHash> || std::is_same_v<T, Blob>)
            return ValueType::blob;
        return ValueType::integer;
    }

    Target& target_;
};

}  // namespace meterbox::platform::sql
