// What an operator corrects, and the last look at a draw order: charges that fall, which nothing else makes
// fall.
#include "account/adjustment.hpp"
#include "account/draw_order.hpp"
#include "tests/sim/operator.hpp"

namespace meterbox::sim {

// Not where the account's store is put back: what it forgot of a correction, nobody has told it.
void Operator::correct_later() {
    if (!account_.up() || world_.plan.store_copied_every > 0 || dice_.chance(300)) return;
    const std::string& team = world_.plan.teams[dice_.number() % world_.plan.teams.size()];
    correct(team, world_.plan.resources[dice_.number() % world_.plan.resources.size()].key);
}

void Operator::correct(const std::string& team, const std::string& resource) {
    if (dice_.chance(500)) {
        // As when an invoice is due, which is a month away: over all that there was.
        const core::Cycle all{core::UtcTime{0}, account_.now() + core::day_ms};
        world_.trace.add("draw order", team);
        return account_.change([&](account::Database& database) {
            account::correct_draw_order(database, team, all, account_.now());
        });
    }
    const core::Units most = account::adjustable(account_.store().database(), team, resource);
    if (most.value() == 0) return;
    const std::string units = std::to_string(-dice_.spread(1, most.value()));
    world_.trace.add("adjust", team + " " + resource + " " + units);
    account_.command({"adjust", team, "--resource", resource, "--units", units, "--reason", "a fault"});
}

}  // namespace meterbox::sim
