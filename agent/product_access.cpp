#include "agent/product_access.hpp"

#include <algorithm>

namespace meterbox::agent {

namespace {

bool is_in(const platform::http::Peer& peer, gid_t group) {
    return peer.gid == group || std::ranges::find(peer.groups, group) != peer.groups.end();
}

}  // namespace

bool may_use(const std::vector<config::AllowRule>& rules, const platform::http::Peer& peer,
             std::string_view resource) {
    if (rules.empty()) return true;
    return std::any_of(rules.begin(), rules.end(), [&](const config::AllowRule& rule) {
        return (rule.resource.empty() || rule.resource == resource) && (!rule.uid || rule.uid == peer.uid) &&
               (!rule.gid || is_in(peer, *rule.gid));
    });
}

}  // namespace meterbox::agent
