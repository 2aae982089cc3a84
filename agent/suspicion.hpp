// Why the agent doubts its own journal: an older one may have been put back, it had to begin a new one, or
// somebody changed it.
// While it doubts, nothing is spent (protocol, suspect): sessions are refused and stopped with the reason
// `suspect`, reported usage is taken and waits for its slots, and the witness stays as it was found. Set by
// the journal as it is opened or as it is checked, kept across restarts, and ended by
// Journal::dispel_suspicion() in the transaction that stores an answer to hello.
#pragma once

#include <string>

namespace meterbox::agent {

struct Suspicion {
    enum class Cause {
        witness_ahead,  // the witness has seen commits that this journal doesn't hold
        set_aside,      // the journal was damaged, and is a new one
        chain_broken,   // a check found a link, or what it covers, not as it was committed
        fenced,         // the account took another for this agent, and waits for its operator
    };
    Cause cause = Cause::witness_ahead;
    std::string detail;  // one line for an admin
};

}  // namespace meterbox::agent
