// What the server answered to one statement, freed when it goes: rows, how many were changed.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "platform/postgres/library.hpp"

namespace meterbox::platform::postgres {

class Answer {
public:
    Answer() = default;
    Answer(const Library& library, PGresult* result) : library_(&library), result_(result) {}
    ~Answer() { clear(); }
    Answer(Answer&& other) noexcept
        : library_(other.library_), result_(std::exchange(other.result_, nullptr)) {}
    Answer& operator=(Answer&& other) noexcept {
        std::swap(library_, other.library_);
        std::swap(result_, other.result_);
        return *this;
    }

    explicit operator bool() const { return result_ != nullptr; }
    void clear() {
        if (result_ != nullptr) library_->PQclear(std::exchange(result_, nullptr));
    }
    int rows() const { return library_->PQntuples(result_); }
    std::string_view command() const { return library_->PQcmdStatus(result_); }
    std::int64_t changes() const { return number_in(library_->PQcmdTuples(result_)); }
    bool is_null(int row, int column) const { return library_->PQgetisnull(result_, row, column) != 0; }
    std::string_view text(int row, int column) const {
        return {library_->PQgetvalue(result_, row, column),
                static_cast<std::size_t>(library_->PQgetlength(result_, row, column))};
    }
    // As SQLite has it: nothing is 0, and what is true is 1.
    std::int64_t integer(int row, int column) const {
        const std::string_view value = text(row, column);
        if (value == "t") return 1;
        return number_in(value);
    }

private:
    static std::int64_t number_in(std::string_view text) {
        std::int64_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        return number;
    }

    const Library* library_ = nullptr;
    PGresult* result_ = nullptr;
};

}  // namespace meterbox::platform::postgres
