// A connection's transactions, as the store thread asks for them.
#pragma once

#include "platform/sqlite/connection.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::platform::sqlite {

class ConnectionTransactions final : public store::Transactions {
public:
    explicit ConnectionTransactions(Connection& connection) : connection_(connection) {}
    core::Result<void> begin() override { return connection_.begin(); }
    core::Result<void> commit() override { return connection_.commit(); }
    void rollback() noexcept override { connection_.rollback(); }

private:
    Connection& connection_;
};

}  // namespace meterbox::platform::sqlite
