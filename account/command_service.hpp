// The operator's commands on account.sock while the service runs: POST /v1/command
// {"argv":[..],"folder":"DEVICE:INODE"} -> {"exit":n,"stdout":"..","stderr":".."}. The socket's mode is its
// protection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/commands.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

class CommandService final : public platform::http::Handler {
public:
    explicit CommandService(StoreJobs& jobs) : jobs_(jobs) {}
    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

private:
    StoreJobs& jobs_;
};

// The command's side: through the service at this socket. None: no service runs there. folder: folder_seen()
// of the file that the command is to write, or empty.
std::optional<Outcome> command_through_service(const std::string& socket,
                                               const std::vector<std::string>& arguments,
                                               const std::string& folder);

}  // namespace meterbox::account
