#include "platform/postgres/many.hpp"

#include <endian.h>

#include <algorithm>
#include <cstdint>

#include "core/assert.hpp"
#include "platform/postgres/types.hpp"

namespace meterbox::platform::postgres {

namespace {

void add_number(std::string& bytes, std::uint32_t number) {
    const std::uint32_t ordered = htobe32(number);
    bytes.append(reinterpret_cast<const char*>(&ordered), sizeof ordered);
}

}  // namespace

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
// OFFSET keeps it one: as a join with the values it would be planned, once and for all, for tables that are
// still small, and read them from end to end however large they become.
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
           "n) CROSS JOIN LATERAL (SELECT * FROM (" + each + ") AS a OFFSET 0) AS q";
}

std::optional<std::string> insert_of_many(std::string_view numbered_sql, std::size_t parameters) {
    std::string all;
    for (std::size_t i = 1; i <= parameters; ++i) all += (i > 1 ? ", $" : "$") + std::to_string(i);
    const std::string row = "VALUES (" + all + ")";
    const auto at = numbered_sql.find(row);
    if (!numbered_sql.starts_with("INSERT ") || at == std::string_view::npos) return std::nullopt;
    return std::string(numbered_sql.substr(0, at)) + "SELECT * FROM unnest(" + all + ")" +
           std::string(numbered_sql.substr(at + row.size()));
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
