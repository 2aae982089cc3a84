// Reading what the daemon answers, leniently: a member that is missing, null or of another type gives the
// fallback, so that an older or newer daemon can still be shown. Never for input that is acted on.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::client {

// A place in a JSON document that outlives it; may be no place at all.
class JsonView {
public:
    JsonView() = default;
    explicit JsonView(const boost::json::value& value) : value_(&value) {}

    JsonView operator[](std::string_view member) const {
        if (value_ == nullptr || !value_->is_object()) return {};
        const boost::json::value* found = value_->get_object().if_contains(member);
        return found == nullptr ? JsonView{} : JsonView{*found};
    }
    std::string text(std::string_view fallback = {}) const {
        if (value_ == nullptr || !value_->is_string()) return std::string{fallback};
        return std::string{value_->get_string()};
    }
    std::optional<std::int64_t> integer() const {
        if (value_ == nullptr || !value_->is_int64()) return {};
        return value_->get_int64();
    }
    std::int64_t integer_or(std::int64_t fallback) const { return integer().value_or(fallback); }
    std::optional<bool> boolean() const {
        if (value_ == nullptr || !value_->is_bool()) return {};
        return value_->get_bool();
    }
    // Calls visit(JsonView) for each item of an array.
    template <class Visit>
    void each(Visit visit) const {
        if (value_ == nullptr || !value_->is_array()) return;
        for (const boost::json::value& item : value_->get_array()) visit(JsonView{item});
    }

private:
    const boost::json::value* value_ = nullptr;
};

}  // namespace meterbox::client
