// What `meterbox verify` finds in an agent's journal: nobody has tampered with any of these, so nothing, also
// after a fence, with a disk that was put back and with an account that was.
#include <algorithm>

#include "agent/chain_check.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

// The whole chain is read: so only where counters begin anew, and at the end.
void Invariants::check_chain(std::size_t index) {
    SimAgent& agent = *agents_[index];
    agent::ChainCheck check(agent.journal().connection());
    while (check.go_on([] { return false; }).value()) {
    }
    const agent::ChainReport report = check.finish(agent.journal().chain().head()).value();
    SIM_REQUIRE(!report.broken, "an honest journal verifies: " + agent.name().id + " " +
                                    (report.broken ? report.broken->what : ""));
}

// I19: what was committed stands for good, link by link; its number is as many as there were.
void Invariants::check_prefix(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    const agent::ChainHead& head = agent.journal().chain().head();
    if (seen.link.sequence > 0) {
        SIM_REQUIRE(head.sequence >= seen.link.sequence, "I19: no link is taken back: " + agent.name().id);
        const auto still = agent.journal().chain().hash_of(seen.link.sequence).value();
        SIM_REQUIRE(!still || *still == seen.link.hash,
                    "I19: a link that was committed never changes: " + agent.name().id + " " +
                        std::to_string(seen.link.sequence));
        if (still) world_.tally.saw("link compared with what it was");
    }
    seen.link = head;
}

// The link that the account has heard of is one of this journal's.
void Invariants::check_heard_of(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    const std::int64_t sequence = value_of(view_->acknowledged, id);
    if (sequence == 0) return;
    SIM_REQUIRE(sequence <= agent.journal().chain().head().sequence,
                "I19: the account has heard of no link to come: " + id);
    const auto here = agent.journal().chain().hash_of(sequence).value();
    SIM_REQUIRE(!here || platform::system::hex(*here) == value_of(view_->acknowledged_hash, id),
                "I19: what the account has heard of is on the disk: " + id + " " + std::to_string(sequence));
}

// With its first lease: before that there is no tranche whose units could be compared.
void Invariants::check_chain_of_incarnation(std::size_t index) {
    const SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    const bool leased = std::ranges::any_of(
        agent.ledgers(), [](const agent::LedgerView& ledger) { return !ledger->tranches().empty(); });
    if (!leased || agent.incarnation() == seen.verified_incarnation) return;
    check_chain(index);
    seen.verified_incarnation = agent.incarnation();
    world_.tally.saw("journal verified under the first lease of a later incarnation");
}

}  // namespace meterbox::sim
