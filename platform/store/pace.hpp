// When the store commits what has gathered, and where. Pure: it is told times and numbers.
//
// Clients that wait for their answer before they send again come back together. If the store starts
// with the first of them, the rest makes a second group, and the two take turns for ever, each paying
// for a sync. So after a group's answers it waits for as many jobs as there were clients a moment
// ago, but never longer than a sync takes, because a sync is what waiting saves; and when waiting
// didn't pay, it leaves it for a while. With all of them gathered nothing is left for the loop to do,
// and the commit is made in place, which saves two thread switches; unless the disk is slow, for
// the loop has timers, too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meterbox::platform::store {

class Pace {
public:
    // A group was committed: of so many jobs, so many more having come meanwhile; it took so long, of
    // which the last part to make it durable.
    void committed(std::size_t jobs, std::size_t gathered, std::int64_t commit_us, std::int64_t sync_us);
    // Its answers are made: from now on clients can come back.
    void answered(std::int64_t now_us);
    // True while more jobs are worth waiting for; ask again at the end of the next turn.
    bool waits(std::size_t gathered, std::int64_t now_us);
    // True when a group of so many jobs is best committed on the loop's own thread.
    bool in_place(std::size_t jobs) const;
    bool waiting() const { return waiting_; }

private:
    void learn(bool paid);

    std::int64_t usual_commit_us_ = 0;  // moving means
    std::int64_t usual_sync_us_ = 0;
    std::size_t expected_ = 0;  // jobs, when all who were there come back
    std::size_t answered_ = 0;  // jobs of the last group
    std::size_t already_ = 0;   // jobs that had gathered by then
    std::int64_t until_us_ = 0;
    bool waiting_ = false;
    int credit_ = 4;    // what waiting has earned; none: don't
    int left_out_ = 0;  // groups since waiting was last tried
};

}  // namespace meterbox::platform::store
