// SQL as it is written for SQLite, with ? and ?3 for its parameters, in PostgreSQL's words: $1 and $3. What
// is quoted stays as it is. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meterbox::platform::postgres {

struct NumberedSql {
    std::string text;
    std::size_t parameters = 0;
};
NumberedSql with_numbered_parameters(std::string_view sql);

}  // namespace meterbox::platform::postgres
