// Whether a journal goes on from where the account knew it, or is another: the chain of a disk that was
// put back or copied parts from the known one where the first start wrote its random bytes. Pure.
//
// Between two starts one process alone writes links, so two chains that have the same starts up to a link
// are the same up to it. (A machine's memory that is put back while it runs isn't a start: its chain is
// told by the hash at the acknowledged link, and only then.)
#pragma once

#include <cstdint>
#include <vector>

#include "core/wire.hpp"

namespace meterbox::account {

// What the account knows of one incarnation's chain.
struct KnownJournal {
    core::wire::JournalHead acknowledged;
    std::vector<core::wire::JournalHead> starts;  // rising; not after the acknowledged link
    std::int64_t starts_after = 0;                // none of a higher number is missing
};

enum class JournalVerdict {
    goes_on,  // it has the acknowledged link
    behind,   // it ends before it: an old message, or a copy that hasn't begun a link of its own
    parted,   // it is another
};

struct JournalJudgement {
    JournalVerdict verdict = JournalVerdict::goes_on;
    std::int64_t shared = 0;  // the last link that it has in common with the known one
};

JournalJudgement judge_journal(const KnownJournal& known, const core::wire::HelloRequest& said);

// After which link a message names all starts: hello after none, sync after the acknowledged one.
std::int64_t starts_named_after(const core::wire::JournalHead& acknowledged,
                                const std::vector<core::wire::JournalHead>& starts);

}  // namespace meterbox::account
