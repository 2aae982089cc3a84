#include "agent/product_access.hpp"

#include <algorithm>

namespace meterbox::agent {

bool may_use(const std::vector<config::AllowRule>& rules, const platform::http::Peer& peer,
             std::string_view resource) {
    if (rules.empty()) return true;
    return std::any_of(rules.begin(), rules.end(), [&](const config::AllowRule& rule) {
        return (rule.resource.empty() || rule.resource == resource) && (!rule.uid || rule.uid == peer.uid) &&
               (!rule.gid || rule.gid == peer.gid);
    });
}

}  // namespace meterbox::agent
