#include "platform/sql/connection.hpp"

#include <array>

namespace meterbox::platform::sql {

std::string_view name_of(StorageFault fault) {
    constexpr std::array<std::string_view, 7> names{"none", "full",  "io",    "corrupt",
                                                    "busy", "other", "schema"};
    return names[static_cast<std::size_t>(fault)];
}

bool leaves_unknown(StorageFault fault) {
    return fault == StorageFault::io || fault == StorageFault::corrupt || fault == StorageFault::other ||
           fault == StorageFault::schema;
}

}  // namespace meterbox::platform::sql
