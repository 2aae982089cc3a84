// A team, a resource of a second and one agent with its session: what tests of the exchange begin with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "account/audit.hpp"
#include "account/catalogue.hpp"
#include "account/pool.hpp"
#include "account/team_cards.hpp"
#include "fixture.hpp"

namespace meterbox::tests {

inline core::wire::SyncRequest request(const std::string& session, std::int64_t number,
                                       std::vector<core::wire::ResourceCounters> resources) {
    core::wire::SyncRequest made;
    made.session = session;
    made.request_number = number;
    made.resources = std::move(resources);
    return made;
}

inline core::wire::TrancheCounters used(const std::string& tranche, std::int64_t units,
                                        std::int64_t hour = 472'222) {
    core::wire::TrancheCounters said{tranche, core::Units{units}, core::Units{0}, {}};
    if (units > 0) said.hours.push_back({{hour}, core::Units{units}});
    return said;
}

struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        one = agent("lab");
        one_session = session("lab", one);
    }
    core::Result<core::wire::SyncReply> sync_one(std::int64_t number,
                                                 std::vector<core::wire::ResourceCounters> resources) {
        return sync("lab", one, request(one_session, number, std::move(resources)));
    }
    account::AuditReport audit() { return account::audit(database(), "lab", clock.wall_now()); }
    std::string one;
    std::string one_session;
};

}  // namespace meterbox::tests
