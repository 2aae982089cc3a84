#include "agent/storage_watch.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/journal_job.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {
constexpr std::int64_t first_after_ms = 1'000;
constexpr std::int64_t spacing_ms = core::hour_ms;  // where the disk can't be asked
}  // namespace

StorageWatch::StorageWatch(platform::system::Timers& timers, Journal& journal,
                           platform::store::StoreThread& store, platform::system::Log& log)
    : timer_(timers.make([this] { look(); })), journal_(journal), store_(store), log_(log) {}

void StorageWatch::start() {
    started_ = true;
    timer_->arm(first_after_ms);
    if (journal_.reserve().gone()) disk_is_full();
}

void StorageWatch::stop() {
    started_ = false;
    timer_->cancel();
}

void StorageWatch::disk_is_full() {
    if (!started_ || full_) return;  // it is waited for already
    full_ = true;
    retry_ms_ = core::limits::reserve_retry_min_ms;
    log_.warn("disk.full", {{"detail", "reports are refused until there is room; sessions go on"}});
    if (!looking_) timer_->arm(retry_ms_);
}

void StorageWatch::look() {
    if (!started_ || looking_) return;
    looking_ = true;
    store_.read(journal_read([this] { return journal_.reserve().make(); },
                             [this](std::optional<bool> held) {
                                 looking_ = false;
                                 if (held && started_) looked(*held);
                             }));
}

void StorageWatch::looked(bool held) {
    if (held) {
        if (full_) log_.info("disk.has_room", {{"detail", "reports are taken again"}});
        full_ = false;
        return;
    }
    if (!journal_.reserve().gone()) return timer_->arm(spacing_ms);
    disk_is_full();
    timer_->arm(std::exchange(retry_ms_, std::min(2 * retry_ms_, core::limits::reserve_retry_max_ms)));
}

}  // namespace meterbox::agent
