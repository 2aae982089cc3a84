// A status with every figure different from every other, so that none can stand in another's place.
#pragma once

#include "agent/status.hpp"

namespace meterbox::tests {

inline core::Card card_of(const std::string& resource) {
    core::Card card;
    card.resource = resource;
    card.name = "Rendering";
    card.state = core::BalanceState::low;
    card.available_units = core::Units{30};
    card.purchased_units = core::Units{150};
    card.leased_units = core::Units{7};
    card.charged_units = core::Units{120};
    card.overage_units = core::Units{2};
    card.remainder = core::Amount{754'321};
    card.unit_size = core::Amount{1'200'000};
    card.as_of = {1'700'000'000'500};
    return card;
}

inline agent::StatusSnapshot enrolled_status() {
    agent::StatusSnapshot status;
    status.agent = {"agent-1", "render-box", "studio", "0.1.0", {1'699'999'000'000}, 61'999};
    status.enrollment = {agent::EnrollmentState::enrolled, core::UtcTime{1'707'000'000'000}};
    status.account = {"https://account.example:9443",   true, core::UtcTime{1'700'000'000'250}, "",
                      core::UtcTime{1'700'000'240'000}, 3};
    status.cards = {card_of("render")};
    status.pending = {4, 5};
    status.journal.rows = 11;
    status.journal.bytes = 12'345;
    status.journal.oldest = core::UtcTime{1'699'000'000'000};
    status.journal.budget_bytes = 1'073'741'824;
    status.clock = {core::UtcTime{1'700'000'001'000}, {1'700'000'000'000}, core::ClockQuality::trusted};
    status.sessions = {6};
    status.counters = {21, 22, 23, 24, 25, 26, 27, 28};
    return status;
}

}  // namespace meterbox::tests
