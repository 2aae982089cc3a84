#include "agent/clock_keeper.hpp"

#include "agent/journal_job.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

ClockKeeper::ClockKeeper(platform::system::Timers& timers, const AgentTime& time, Journal& journal,
                         platform::store::StoreThread& store)
    : timer_(timers.make([this] { keep(); })), time_(time), journal_(journal), store_(store) {}

void ClockKeeper::start() {
    keep();
}

// A commit that fails leaves it to the next one.
void ClockKeeper::keep() {
    timer_->arm(core::limits::mark_spacing_ms);
    store_.submit(journal_job(
        [&journal = journal_, text = time_.record_text()] {
            journal.keep_clock(text);
            return 0;
        },
        [](const core::Result<void>&, std::optional<int>) {}));
}

}  // namespace meterbox::agent
