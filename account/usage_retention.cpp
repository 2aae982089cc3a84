// One roll-up after the other.
#include "account/usage_retention.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include "account/usage_roll_up.hpp"
#include "core/account_limits.hpp"

namespace meterbox::account {

class UsageRetention::Work final : public platform::store::IdleWork {
public:
    explicit Work(UsageRetention& owner) : owner_(owner) {}

    bool run(const platform::store::Slice& slice) override {
        Store& store = owner_.store_;
        store.database().forgive();
        if (!roll_up_)
            roll_up_.emplace(store.database(), owner_.transactions_, store.now(),
                             store.settings().keep_usage_ms);
        const auto more = roll_up_->work([&slice] { return slice.over(); });
        store.database().forgive();
        if (more) return *more;
        failed_ = more.error();
        lost_ = leaves_unknown(store.connection().last_fault());
        return false;
    }

    void finish() override {
        if (failed_) {  // a full disk, say: another hour will do
            owner_.log_.error("usage.not_rolled_up", {{"detail", failed_->detail}});
            if (lost_) owner_.on_lost_(*failed_);
        } else if (roll_up_ && roll_up_->rolled_up() > 0) {
            owner_.log_.info("usage.rolled_up", {{"rows", std::to_string(roll_up_->rolled_up())}});
        }
    }

private:
    UsageRetention& owner_;
    std::optional<UsageRollUp> roll_up_;
    std::optional<core::Error> failed_;
    bool lost_ = false;  // noted at once: when this is finished the next commit has the connection
};

UsageRetention::UsageRetention(boost::asio::io_context& loop, platform::store::StoreThread& thread,
                               platform::store::Transactions& transactions, Store& store,
                               platform::system::Log& log, std::function<void(core::Error)> on_lost)
    : thread_(thread),
      transactions_(transactions),
      store_(store),
      log_(log),
      on_lost_(std::move(on_lost)),
      timer_(loop) {}

void UsageRetention::start() {
    thread_.run_idle(std::make_unique<Work>(*this));
    timer_.expires_after(std::chrono::milliseconds(core::limits::roll_up_check_ms));
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) start();
    });
}

void UsageRetention::stop() {
    timer_.cancel();
}

}  // namespace meterbox::account
