// What the server answered to one statement, freed when it goes: rows, how many were changed.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/postgres/library.hpp"

namespace meterbox::platform::postgres {

class Answer {
public:
    Answer() = default;
    Answer(const Library& library, PGresult* result) : library_(&library), result_(result, library.PQclear) {}

    // Some of its rows, without the columns before the first: they share what the server answered.
    Answer part(std::vector<int> rows, int first_column) const {
        Answer some = *this;
        some.part_ = std::move(rows);
        some.first_column_ = first_column;
        return some;
    }

    int rows() const { return part_ ? static_cast<int>(part_->size()) : library_->PQntuples(result_.get()); }
    std::string_view command() const { return library_->PQcmdStatus(result_.get()); }
    std::int64_t changes() const { return number_in(library_->PQcmdTuples(result_.get())); }
    bool is_null(int row, int column) const {
        return library_->PQgetisnull(result_.get(), row_of(row), column + first_column_) != 0;
    }
    std::string_view text(int row, int column) const {
        row = row_of(row);
        column += first_column_;
        return {library_->PQgetvalue(result_.get(), row, column),
                static_cast<std::size_t>(library_->PQgetlength(result_.get(), row, column))};
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

    int row_of(int row) const { return part_ ? (*part_)[static_cast<std::size_t>(row)] : row; }

    const Library* library_ = nullptr;
    std::shared_ptr<PGresult> result_;
    std::optional<std::vector<int>> part_;
    int first_column_ = 0;
};

}  // namespace meterbox::platform::postgres
