// A connection to a PostgreSQL that several processes use: each transaction begins by waiting for the turn of
// this one (the lock that its owner names), and sees all that was committed before it. READ COMMITTED, and
// a commit is durable as the server's settings say, but never asynchronous. A connection that is lost is made
// anew where the next transaction begins; what was under way is stored only if its COMMIT was on its way, and
// then nobody knows: the owner ends the process. Used by one thread at a time. A call waits for its answer,
// but for statements that nobody hears: those are sent, and their answers taken with the next one's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "platform/postgres/foresight.hpp"
#include "platform/postgres/library.hpp"
#include "platform/postgres/recent_answers.hpp"
#include "platform/sql/connection.hpp"

namespace meterbox::platform::postgres {

struct ConnectionOptions {
    std::string url;            // or any text that libpq takes for one
    std::string schema;         // where its tables are
    std::string turn;           // a statement whose row lock makes writers wait for each other
    std::string identity = {};  // a question whose answer says which account's database it is
};

class Connection final : public sql::Connection {
public:
    [[nodiscard]] static core::Result<std::unique_ptr<Connection>> open(const ConnectionOptions& options);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    core::Result<std::unique_ptr<sql::Statement>> kept_statement(std::string_view sql) override;
    core::Result<void> execute(const std::string& sql) override;
    core::Result<std::int64_t> number(std::string_view sql) override;

    core::Result<void> begin() override;
    core::Result<void> commit() override;
    void rollback() noexcept override;
    bool all_or_nothing() const override { return begun_ && !telling_apart_; }
    bool may_repeat() const override { return tell_apart_ || lost_before_commit_; }
    void send() override;
    void expect(std::string_view asker) override {
        if (all_or_nothing()) foresight_.expect(asker);
    }
    void asked_by(std::string_view asker) override { foresight_.asked_by(asker); }
    core::Result<void> begin_reading() override;
    void end_reading() noexcept override;
    core::Result<void> begin_serving(std::function<core::Result<void>()> if_first,
                                     Notice notice = {}) override;
    core::Result<bool> keep_from_serving() override;
    // A transaction that has the writers' line to itself, whatever tables there are.
    [[nodiscard]] core::Result<void> begin_migrating();
    // From now on no transaction begins where the schema has another version: who changes it has the line to
    // itself, so that it stays as it is to the transaction's end.
    void expect_version(std::int64_t version) { version_ = version; }

    std::int64_t times_made() const override { return made_; }
    std::int64_t changes() const override { return changes_; }
    sql::StorageFault last_fault() const override { return last_fault_; }
    // For people: host and database, without a password.
    const std::string& place() const { return place_; }

private:
    friend class Statement;
    Connection(const Library& library, PGconn* connection, ConnectionOptions options);
    core::Result<void> prepare_session();
    core::Result<void> connect_anew();
    core::Result<void> go_on_anew();
    core::Result<void> serve();
    core::Result<std::string> identity();
    bool lost() const;
    bool has_gone();
    core::Error unreachable();
    core::Result<Answer> take(PGresult* result, std::string_view what);
    core::Error failure(const PGresult* result, std::string_view what);
    core::Result<void> begin_with(std::string sql, bool any_version = false);
    core::Error other_version(std::int64_t found);
    // An answer's place is kept: it comes with settle().
    core::Result<void> sent_unheard(bool sent);
    // The answers of all that was sent unheard; the last one's, or what went wrong first.
    core::Result<Answer> settle(std::string_view what);
    core::Result<std::vector<Answer>> settle_all(std::string_view what);
    // What those that are expected asked last time, in one go.
    core::Result<void> ask_foreseen();
    core::Result<void> nothing_unheard();
    // False: the connection is lost, or can't send statements unheard.
    bool begin_pipeline();

    const Library& library_;
    PGconn* connection_;
    ConnectionOptions options_;
    std::string place_;
    std::int64_t changes_ = 0;
    int statements_ = 0;  // made so far, for their names
    int unheard_ = 0;     // sent, and not answered yet
    Writes writes_;
    Foresight foresight_;
    std::optional<std::int64_t> version_;  // of the schema
    bool begun_ = false;
    bool telling_apart_ = false;  // this transaction has savepoints
    bool tell_apart_ = false;     // the next one shall
    bool lost_before_commit_ = false;
    int made_ = 1;                                  // how often it was made: what was prepared before is gone
    std::function<core::Result<void>()> if_first_;  // of one that serves
    Notice notice_;
    std::string identity_;
    bool away_ = false;  // lost, and not there again
    sql::StorageFault last_fault_ = sql::StorageFault::none;
    // Why the server refuses what comes after it, until it is rolled back to where it was well.
    std::optional<core::Error> first_failure_;
    sql::StorageFault first_fault_ = sql::StorageFault::none;
};

}  // namespace meterbox::platform::postgres
