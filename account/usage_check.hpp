// Judging the usage by hour that an agent says, before any of it is written: more than it can have metered is
// refused; an hour that is still to come is taken, for a machine's clock may be wrong and usage is a fact,
// and shown in the audit. Reads, and writes nothing but that.
#pragma once

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/counters.hpp"
#include "account/database.hpp"

namespace meterbox::account {

// invalid: names what doesn't exist, or twice the same. conflict: what no honest agent says.
[[nodiscard]] core::Result<void> check_usage(Database& database, const Catalogue& catalogue,
                                             const Agent& agent, const CounterMessage& message);

// Keeps as evidence that hours were named which are still to come.
void note_hours_to_come(Database& database, const Agent& agent, const CounterMessage& message,
                        core::UtcTime now);

// As it is kept: control characters, which products could once put into the subject of a session, as
// \xNN.
std::string kept_subject(const std::string& subject);

}  // namespace meterbox::account
