// A connection on which a statement that has these words in it can't be asked. All others go to the real one.
#pragma once

#include <string>

#include "platform/sql/connection.hpp"

namespace meterbox::tests {

class FaultyConnection final : public platform::sql::Connection {
public:
    FaultyConnection(platform::sql::Connection& real, std::string words)
        : real_(real), words_(std::move(words)) {}

    core::Result<std::unique_ptr<platform::sql::Statement>> kept_statement(std::string_view sql) override {
        if (sql.find(words_) == std::string_view::npos) return real_.kept_statement(sql);
        return core::Error{core::ErrorCode::storage, "a statement failed as told", {}, {}};
    }
    core::Result<void> execute(const std::string& sql) override { return real_.execute(sql); }
    core::Result<std::int64_t> number(std::string_view sql) override { return real_.number(sql); }
    core::Result<void> begin() override { return real_.begin(); }
    core::Result<void> commit() override { return real_.commit(); }
    void rollback() noexcept override { real_.rollback(); }
    std::int64_t changes() const override { return real_.changes(); }
    platform::sql::StorageFault last_fault() const override { return real_.last_fault(); }

private:
    platform::sql::Connection& real_;
    std::string words_;
};

}  // namespace meterbox::tests
