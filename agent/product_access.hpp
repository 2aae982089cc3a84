// Which product may use which resource: [[products.allow]]. Without rules, everyone who can open the
// socket may use everything.
#pragma once

#include <string_view>
#include <vector>

#include "config/agent_config.hpp"
#include "platform/http/request.hpp"

namespace meterbox::agent {

bool may_use(const std::vector<config::AllowRule>& rules, const platform::http::Peer& peer,
             std::string_view resource);

}  // namespace meterbox::agent
