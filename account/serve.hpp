// The service: agents and admins over TLS, the operator's commands over account.sock, one loop thread
// and one store thread. Runs until SIGTERM or SIGINT.
#pragma once

#include "account/command_line.hpp"
#include "account/store.hpp"
#include "platform/system/log.hpp"

namespace meterbox::account {

// Ok: ended as asked. An error: it can't start, or the store is lost.
[[nodiscard]] core::Result<void> serve(Store& store, const ServeOptions& options, platform::system::Log& log);

}  // namespace meterbox::account
