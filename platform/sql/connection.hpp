// What is the same in every database that a program of meterbox keeps its rows in: durable transactions, one
// at a time, statements in them, and which kind of trouble it is in, so that its owner can tell a full disk,
// which passes, from a failure after which nobody knows what is stored. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "platform/sql/statement.hpp"

namespace meterbox::platform::sql {

enum class StorageFault {
    none,
    full,     // no space, or over quota: rolled back, resumes by itself
    io,       // the outcome of what was being done is unknown: acknowledge nothing, end the process
    corrupt,  // not a database, or a damaged one
    busy,     // another process has it
    other,    // a statement that this database can't run: a constraint, or a bug
    schema,   // its tables aren't those that this program was written for, any more: end the process
};
std::string_view name_of(StorageFault);
// Of a commit: nobody knows what is stored, or nothing more can be. A full disk passes, and who has the
// database leaves.
bool leaves_unknown(StorageFault);

class Connection {
public:
    virtual ~Connection() = default;

    // One statement, which may outlive the view of its text, but not the connection.
    [[nodiscard]] virtual core::Result<std::unique_ptr<Statement>> kept_statement(std::string_view sql) = 0;
    // One or more statements without parameters or rows.
    [[nodiscard]] virtual core::Result<void> execute(const std::string& sql) = 0;
    // The first column of the first row of a query without parameters; 0 if there is no row.
    [[nodiscard]] virtual core::Result<std::int64_t> number(std::string_view sql) = 0;

    // From begin() to commit() nobody else writes.
    [[nodiscard]] virtual core::Result<void> begin() = 0;
    // Refused, and rolled back, when any statement since begin() met a storage fault; each statement in
    // between is refused, too.
    [[nodiscard]] virtual core::Result<void> commit() = 0;
    virtual void rollback() noexcept = 0;

    // Whether this transaction's jobs have no savepoints of their own: where one costs more than to do them
    // all again, once in a while. What fails in one of them is then told by the commit, and none of them is
    // stored.
    virtual bool all_or_nothing() const { return false; }
    // After a commit that failed: the same jobs may be run once more, and the next transaction tells them
    // apart.
    virtual bool may_repeat() const { return false; }
    // In a transaction, before anything is asked: who will ask, so that what each asked when it was here last
    // may be asked for all at once. And whose questions come now; empty: nobody's in particular.
    virtual void expect(std::string_view) {}
    virtual void asked_by(std::string_view) {}
    // What nobody has asked the answer of is on its way, and doesn't wait for more.
    virtual void send() {}

    // Outside of transactions: up to end_reading() what other processes commit isn't seen. Where there are no
    // others there is nothing to do.
    [[nodiscard]] virtual core::Result<void> begin_reading() { return {}; }
    virtual void end_reading() noexcept {}

    // Of the connection: lost, or made anew, in words.
    using Notice = std::function<void(bool lost, const std::string& detail)>;
    // Before anybody is served: if no other process serves, if_first is done, while those that begin wait.
    // The same again wherever the connection is made anew, before anything else: who was away may be alone
    // now, and the database may have been put back meanwhile.
    [[nodiscard]] virtual core::Result<void> begin_serving(std::function<core::Result<void>()> if_first,
                                                           Notice = {}) {
        return if_first();
    }

    // Whether nobody else serves; then none can begin to while this connection lasts.
    [[nodiscard]] virtual core::Result<bool> keep_from_serving() { return true; }

    // Connections so far, one after the other: between two of them the database may have been put back.
    virtual std::int64_t times_made() const { return 1; }

    // How many transactions were begun or undone: what was read before another one may hold no more.
    std::int64_t turns() const { return turns_; }

    virtual std::int64_t changes() const = 0;     // rows of the last INSERT, UPDATE or DELETE
    virtual StorageFault last_fault() const = 0;  // of the last call that failed

protected:
    void next_turn() { ++turns_; }

private:
    std::int64_t turns_ = 0;
};

}  // namespace meterbox::platform::sql
