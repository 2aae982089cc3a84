// Of a journal that keeps to a budget: what is gone, and what is known of it all the same (I5, I8, I21).
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

// Events go, their usage stays.
void Invariants::check_reported(std::size_t index, const core::ResourceLedger& ledger,
                                std::int64_t acknowledged) {
    if (ledger.resource().kind == core::Kind::returnable) return;  // its usage is the most that was held
    SimAgent& agent = *agents_[index];
    const std::string& key = ledger.resource().key;
    const std::int64_t usage = agent.journaled(
        "SELECT coalesce(sum(amount), 0) FROM usage WHERE resource = (SELECT id FROM resource WHERE key = ?)",
        key);
    SIM_REQUIRE(usage >= acknowledged, "I8: what was acknowledged is on the disk: " + agent.name().id + " " +
                                           key + ", " + std::to_string(acknowledged) + " told, " +
                                           std::to_string(usage) + " there");
    const std::int64_t ever = (ledger.metered() + agent.journal().former(key)).value();
    SIM_REQUIRE(ever == (core::counts(ledger.resource().enforcement) ? usage : 0),
                "I5: M is what was used, though events are gone: " + agent.name().id + " " + key);
}

// Beyond its budget a journal drops what the account has acknowledged, and nothing else.
void Invariants::check_dropped(std::size_t index) {
    SimAgent& agent = *agents_[index];
    if (!view_ || put_backs_ > 0 || agent.restores() > 0 || agent.incarnation() > 1) return;
    platform::sqlite::Connection& journal = agent.journal().connection();
    const std::int64_t oldest = journal.number("SELECT coalesce(min(seq), 0) FROM event").value();
    const std::int64_t gone =
        oldest > 0 ? oldest - 1 : journal.number("SELECT coalesce(max(last_event), 0) FROM link").value();
    if (gone == 0) return;
    const std::int64_t link =
        journal.number("SELECT min(seq) FROM link WHERE last_event >= " + std::to_string(gone)).value();
    SIM_REQUIRE(link <= value_of(view_->acknowledged, agent.name().id),
                "only events go that the account has acknowledged: " + agent.name().id);
}

}  // namespace meterbox::sim
