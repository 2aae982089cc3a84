// One statement for many values of its parameters, which come as arrays, one for each parameter. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/postgres/library.hpp"

namespace meterbox::platform::postgres {

// A SELECT: the first column says from which place (from 1) a row's values are. types: of the parameters.
std::string for_many(std::string_view numbered_sql, const std::vector<Oid>& types);
// An INSERT of one row, all of whose values are parameters in their order; none: it is something else.
std::optional<std::string> insert_of_many(std::string_view numbered_sql, std::size_t parameters);
// Whether that can be done with parameters of these types.
bool can_be_many(const std::vector<Oid>& types);
Oid array_of(Oid type);
// As it goes over the wire. values: as RecentAnswers has them, none of them missing.
std::string array_text(Oid type, const std::vector<const std::string*>& values);

}  // namespace meterbox::platform::postgres
