// What a statement reads or writes, as its text says: which table, which columns, and of which rows where
// one column is equal to a parameter. From two of these follows whether one can change what the other saw.
// Where the text is of another form than is understood here, it is all: asked once too often, never once
// too seldom.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace meterbox::platform::postgres {

struct Footprint {
    enum class Kind {
        read,
        write,    // to `table`
        mark,     // a savepoint set or let go
        unknown,  // goes back to a savepoint, or may do anything
    };
    Kind kind = Kind::unknown;
    std::string table;            // of a write
    bool whole_rows = false;      // of a write: rows come or go; else `words` has the columns that change
    std::set<std::string> words;  // of a read: tables and columns, and whatever else is in its text
    std::map<std::string, std::size_t> pinned;  // columns that equal a parameter (from 0) in all its rows

    // The text has $1, $2 for its parameters.
    static Footprint of(std::string_view numbered_sql);
};

// Whether a write changes anything that a read looks at, if it is of rows that both look at.
bool meets(const Footprint& write, const Footprint& read);
// The column by which rows of both can be told apart.
std::optional<std::string> told_apart_by(const Footprint& write);

}  // namespace meterbox::platform::postgres
