#include "platform/postgres/foresight.hpp"

#include <endian.h>

#include <algorithm>
#include <cstdint>

#include "core/assert.hpp"
#include "platform/postgres/types.hpp"

namespace meterbox::platform::postgres {

namespace {

constexpr std::size_t askers_max = 4096;   // beyond, all is forgotten: they'll ask again
constexpr std::size_t questions_max = 64;  // of one asker

void add_number(std::string& bytes, std::uint32_t number) {
    const std::uint32_t ordered = htobe32(number);
    bytes.append(reinterpret_cast<const char*>(&ordered), sizeof ordered);
}

}  // namespace

void Foresight::begin() {
    expected_.clear();
    noting_ = nullptr;
}

void Foresight::asked_by(std::string_view asker) {
    noting_ = nullptr;
    if (asker.empty()) return;
    if (asked_.size() >= askers_max) asked_.clear();
    noting_ = &asked_[std::string(asker)];
    noting_->clear();
}

void Foresight::note(Statement& statement, const Values& values) {
    if (noting_ && noting_->size() < questions_max) noting_->emplace_back(&statement, values);
}

void Foresight::expect(std::string_view asker) {
    expected_.emplace_back(asker);
}

Foresight::Questions Foresight::take_expected() {
    Questions questions;
    for (const std::string& asker : expected_) {
        const auto known = asked_.find(asker);
        if (known == asked_.end()) continue;
        for (const auto& [statement, values] : known->second) questions[statement].insert(values);
    }
    expected_.clear();
    return questions;
}

bool can_be_many(const std::vector<Oid>& types) {
    return !types.empty() && std::ranges::all_of(types, [](Oid type) { return array_of(type) != 0; });
}

Oid array_of(Oid type) {
    if (type == type_bytea) return 1001;
    if (type == type_int8) return 1016;
    if (type == type_text) return 1009;
    return 0;
}

// PostgreSQL's own word for "for each": the statement itself is a table that depends on the row of values.
std::string for_many(std::string_view numbered_sql, const std::vector<Oid>& types) {
    std::string arrays, names;
    for (std::size_t i = 1; i <= types.size(); ++i) {
        arrays += (i > 1 ? ", $" : "$") + std::to_string(i);
        names += "p" + std::to_string(i) + ", ";
    }
    std::string each;
    for (std::size_t i = 0; i < numbered_sql.size(); ++i) {
        if (numbered_sql[i] != '$') {
            each += numbered_sql[i];
            continue;
        }
        std::size_t number = 0;
        for (; i + 1 < numbered_sql.size() && numbered_sql[i + 1] >= '0' && numbered_sql[i + 1] <= '9'; ++i)
            number = number * 10 + static_cast<std::size_t>(numbered_sql[i + 1] - '0');
        METERBOX_ASSERT(number >= 1 && number <= types.size());
        // Text is compared by its bytes, as the columns have it.
        const bool text = types[number - 1] == type_text;
        each += text ? "(r.p" + std::to_string(number) + " COLLATE \"C\")" : "r.p" + std::to_string(number);
    }
    return "SELECT r.n, q.* FROM unnest(" + arrays + ") WITH ORDINALITY AS r(" + names +
           "n) CROSS JOIN LATERAL (" + each + ") AS q";
}

// Dimensions, whether something is null, the type; of the one dimension how many and from which number on.
std::string array_text(Oid type, const std::vector<const std::string*>& values) {
    std::string bytes;
    add_number(bytes, 1);
    add_number(bytes, 0);
    add_number(bytes, type);
    add_number(bytes, static_cast<std::uint32_t>(values.size()));
    add_number(bytes, 1);
    for (const std::string* value : values) {
        add_number(bytes, static_cast<std::uint32_t>(value->size() - 1));  // the first letter: it is there
        bytes.append(*value, 1);
    }
    return bytes;
}

}  // namespace meterbox::platform::postgres
