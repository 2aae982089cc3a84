// A connection's transactions, as the store thread asks for them. Once nobody knows what a commit left,
// none is begun any more: what waits behind it is refused, and never stored without an answer.
#pragma once

#include <optional>

#include "platform/sql/connection.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::platform::sql {

class ConnectionTransactions final : public store::Transactions {
public:
    explicit ConnectionTransactions(Connection& connection) : connection_(connection) {}
    core::Result<void> begin() override {
        if (lost_) return *lost_;
        return connection_.begin();
    }
    core::Result<void> commit() override {
        auto committed = connection_.commit();
        const bool final = !committed && !connection_.may_repeat();
        if (final && leaves_unknown(connection_.last_fault())) lost_ = committed.error();
        return committed;
    }
    bool may_repeat() const override { return connection_.may_repeat(); }
    void rollback() noexcept override { connection_.rollback(); }

private:
    Connection& connection_;
    std::optional<core::Error> lost_;
};

}  // namespace meterbox::platform::sql
