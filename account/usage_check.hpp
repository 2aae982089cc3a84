// Judging the usage by hour that an agent says, before any of it is written: more than it can have metered is
// refused; an hour that is still to come is taken, for a machine's clock may be wrong and usage is a fact,
// and shown in the audit. Reads, and writes nothing but that.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/counters.hpp"
#include "account/database.hpp"
#include "account/known.hpp"

namespace meterbox::account {

// By resource: what all hours and subjects add up to with this message, kept beside the counters so that no
// message costs more the more was told before. Of what is exhaustible, where it grew.
using TotalsTold = std::map<std::string, core::Amount>;

struct UsageTold {
    TotalsTold told;
    std::vector<core::wire::UsageRow> rows;  // as they are to be kept
};

// A total of an hour that has gone into its month's sum is taken for the sum where it is the larger: how much
// of it is in the sum isn't known any more, and nothing may count twice. Only a wrong clock names one, or an
// agent of whose usage an older version rolled up what it may send again.
// invalid: names what doesn't exist, or twice the same. conflict: what no honest agent says.
[[nodiscard]] core::Result<UsageTold> check_usage(Database& database, const Catalogue& catalogue,
                                                  Known& known, const CounterMessage& message);

// Names a resource that isn't there: an account that was put back may have forgotten it.
core::Error unknown_resource(const std::string& key, std::string pointer);

// Keeps as evidence that hours were named which are still to come.
void note_hours_to_come(Database& database, const Agent& agent, const CounterMessage& message,
                        core::UtcTime now);

// As it is kept: control characters, which products could once put into the subject of a session, as
// \xNN.
std::string kept_subject(const std::string& subject);

}  // namespace meterbox::account
