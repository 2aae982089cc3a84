// After a database that processes share was put back from a copy, by PostgreSQL's own means: a new epoch, in
// which the account learns from its agents what came after the copy (learning.hpp). Who forgets it finds
// out all the same, by what the agents say in their hellos; then it is later.
#pragma once

#include <cstdint>
#include <optional>

#include "account/store.hpp"
#include "core/error.hpp"

namespace meterbox::account {

// epoch: none: one more than the copy's. Who puts the same copy back twice has to name one that never was.
// unreachable: somebody serves.
[[nodiscard]] core::Result<void> begin_anew(Store& store, std::optional<std::int64_t> epoch);

}  // namespace meterbox::account
