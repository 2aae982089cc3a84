// Types of pg_type by their numbers, which are the same in every PostgreSQL.
#pragma once

#include "platform/postgres/library.hpp"

namespace meterbox::platform::postgres {

constexpr Oid type_unknown = 0;
constexpr Oid type_bytea = 17;
constexpr Oid type_int8 = 20;
constexpr Oid type_text = 25;
constexpr int binary_format = 1;

}  // namespace meterbox::platform::postgres
