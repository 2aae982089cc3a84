#include "platform/postgres/connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/account_limits.hpp"
#include "core/assert.hpp"
#include "platform/postgres/answer.hpp"
#include "platform/postgres/statement.hpp"

namespace meterbox::platform::postgres {

using core::Error;
using core::ErrorCode;
using core::Result;
using sql::StorageFault;

namespace {

std::string one_line(std::string_view text) {
    std::string line;
    for (const char letter : text) {
        const bool space = letter == '\n' || letter == '\r' || letter == '\t' || letter == ' ';
        if (!space) {
            line += letter;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

// Classes and conditions of SQLSTATE, as PostgreSQL's manual lists them in its appendix A.
StorageFault fault_of(std::string_view state) {
    if (state.starts_with("08") || state.starts_with("57P") || state.starts_with("58") || state == "25P03" ||
        state == "XX000")
        return StorageFault::io;
    if (state.starts_with("XX")) return StorageFault::corrupt;
    if (state.starts_with("53")) return StorageFault::full;
    if (state.starts_with("40") || state == "55P03" || state == "57014" || state == "25006")
        return StorageFault::busy;
    return StorageFault::other;
}

Error unreadable_url() {
    return {ErrorCode::invalid,
            "the store's URL can't be read: postgresql://USER@HOST/DATABASE is expected",
            std::nullopt,
            {}};
}

// Only whether it can be read: what libpq says of a wrong one holds the text, and a password may be in it.
bool readable(const Library& library, const std::string& url) {
    char* why = nullptr;
    PQconninfoOption* const parsed = library.PQconninfoParse(url.c_str(), &why);
    if (why != nullptr) library.PQfreemem(why);
    if (parsed == nullptr) return false;
    library.PQconninfoFree(parsed);
    return true;
}

constexpr int unheard_max = 1'000;  // sent and not answered: answers must fit into the socket meanwhile

// Session locks, which go with the connection: shared by all that serve. Whoever has it alone is the only
// one.
constexpr const char* serve_alone = "SELECT pg_try_advisory_lock(1835163235, 2)";
constexpr const char* serve_too = "SELECT pg_advisory_lock_shared(1835163235, 2)";
// Until the transaction's end. A row's lock alone goes to whoever asks first after it was let go, which may
// be the one who had it, again and again; this one goes to who has waited longest.
constexpr const char* stand_in_line = "SELECT pg_advisory_xact_lock(1835163235, 3); ";
constexpr const char* alone_no_more = "SELECT pg_advisory_unlock(1835163235, 2)";

void ignore_notice(void*, const PGresult*) {}

}  // namespace

Connection::Connection(const Library& library, PGconn* connection, ConnectionOptions options)
    : library_(library), connection_(connection), options_(std::move(options)) {}

Connection::~Connection() {
    library_.PQfinish(connection_);
}

Result<std::unique_ptr<Connection>> Connection::open(const ConnectionOptions& options) {
    const auto loaded = library();
    if (!loaded) return loaded.error();
    const Library& libpq = **loaded;
    if (!readable(libpq, options.url)) return unreadable_url();

    // What comes after holds: the URL may say otherwise.
    const std::string connect_s = std::to_string(core::limits::database_connect_s);
    const std::string silent_ms = std::to_string(core::limits::database_silent_ms);
    const std::array<const char*, 10> names{"connect_timeout",      "application_name",
                                            "keepalives_idle",      "keepalives_interval",
                                            "keepalives_count",     "tcp_user_timeout",
                                            "target_session_attrs", "dbname",
                                            "client_encoding",      nullptr};
    const std::array<const char*, 10> values{
        connect_s.c_str(), "meterbox-account",  "5",    "5",    "3", silent_ms.c_str(),
        "read-write",      options.url.c_str(), "UTF8", nullptr};
    std::unique_ptr<Connection> connection(
        new Connection(libpq, libpq.PQconnectdbParams(names.data(), values.data(), 1), options));
    if (libpq.PQstatus(connection->connection_) != CONNECTION_OK)
        return Error{ErrorCode::unreachable,
                     "the store's database can't be reached: " +
                         one_line(libpq.PQerrorMessage(connection->connection_)),
                     std::nullopt,
                     {}};
    if (const auto prepared = connection->prepare_session(); !prepared) return prepared.error();
    return connection;
}

Result<void> Connection::prepare_session() {
    library_.PQsetNoticeReceiver(connection_, ignore_notice, nullptr);
    const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
    place_ = "PostgreSQL at " + text(library_.PQhost(connection_)) + ", database " +
             text(library_.PQdb(connection_));
    if (text(library_.PQparameterStatus(connection_, "server_encoding")) != "UTF8")
        return Error{
            ErrorCode::invalid,
            place_ + " isn't in UTF-8: createdb --encoding=UTF8 --template=template0 makes one that is",
            std::nullopt,
            {}};
    // Its own schema comes before PostgreSQL's, so that min, max and sum are what they are in SQLite.
    return execute(
        "SET search_path = " + options_.schema + ", pg_catalog, pg_temp; SET jit = off; " +
        // Rows are found by their keys: a plan once made is the right one.
        "SET plan_cache_mode = force_generic_plan; " +
        "SET default_transaction_isolation = 'read committed'; SET lock_timeout = " +
        std::to_string(core::limits::database_turn_ms) +
        "; SET idle_in_transaction_session_timeout = " + std::to_string(core::limits::database_idle_ms) +
        "; SELECT set_config('synchronous_commit', 'on', false) WHERE "
        "current_setting('synchronous_commit') = 'off'");
}

Result<std::unique_ptr<sql::Statement>> Connection::kept_statement(std::string_view sql) {
    return std::unique_ptr<sql::Statement>(std::make_unique<Statement>(*this, sql, ++statements_));
}

Result<void> Connection::execute(const std::string& sql) {
    if (auto heard = nothing_unheard(); !heard) return heard;
    writes_.forget();
    const auto done = take(library_.PQexec(connection_, sql.c_str()), "can't use");
    if (!done) return done.error();
    return {};
}

Result<std::int64_t> Connection::number(std::string_view sql) {
    if (const auto heard = nothing_unheard(); !heard) return heard.error();
    const auto done = take(library_.PQexec(connection_, std::string(sql).c_str()), "can't read");
    if (!done) return done.error();
    return done->rows() == 0 ? 0 : done->integer(0, 0);
}

Result<void> Connection::begin_with(const std::string& sql) {
    METERBOX_ASSERT(!begun_);
    first_failure_.reset();
    first_fault_ = StorageFault::none;
    foresight_.begin();
    writes_.forget();
    next_turn();
    const auto begun = take(library_.PQexec(connection_, sql.c_str()), "can't begin in");
    begun_ = true;
    if (begun) return {};
    rollback();
    return begun.error();
}

Result<void> Connection::begin() {
    telling_apart_ = std::exchange(tell_apart_, false);
    return begin_with("BEGIN; " + std::string(stand_in_line) + options_.turn);
}

Result<void> Connection::begin_unordered() {
    return begin_with("BEGIN");
}

Result<void> Connection::begin_reading() {
    return begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

void Connection::end_reading() noexcept {
    rollback();
}

Result<bool> Connection::keep_from_serving() {
    const auto alone = number(serve_alone);
    if (!alone) return alone.error();
    return *alone != 0;
}

Result<void> Connection::begin_serving(const std::function<Result<void>()>& if_first) {
    const auto alone = keep_from_serving();
    if (!alone) return alone.error();
    if (!*alone) return execute(serve_too);
    if (auto done = if_first(); !done) return done;
    if (auto shared = execute(serve_too); !shared) return shared;
    return execute(alone_no_more);
}

// What failed and was not rolled back to where it was well makes COMMIT a ROLLBACK, without an error.
Result<void> Connection::commit() {
    METERBOX_ASSERT(begun_);
    (void)nothing_unheard();  // what failed is kept, and COMMIT says so
    begun_ = false;
    const auto done = take(library_.PQexec(connection_, "COMMIT"), "can't commit to");
    if (!done) return done.error();
    if (done->command() == "COMMIT") return {};
    last_fault_ = first_fault_;
    METERBOX_ASSERT(first_failure_.has_value());
    tell_apart_ = !telling_apart_ && first_fault_ == StorageFault::other;
    return *first_failure_;
}

void Connection::rollback() noexcept {
    if (!begun_) return;
    (void)nothing_unheard();
    begun_ = false;
    writes_.forget();
    next_turn();
    if (library_.PQstatus(connection_) != CONNECTION_OK) return;
    library_.PQclear(library_.PQexec(connection_, "ROLLBACK"));
}

void Connection::send() {
    if (unheard_ > 0) library_.PQflush(connection_);  // that it failed is told by the next answer
}

Result<void> Connection::sent_unheard(bool sent) {
    ++unheard_;
    if (sent && unheard_ < unheard_max) return {};
    return nothing_unheard();
}

Result<void> Connection::nothing_unheard() {
    if (unheard_ == 0) return {};
    const auto settled = settle("can't use");
    if (!settled) return settled.error();
    return {};
}

// libpq's pipeline: a result and a null for each statement, then one for the end. After a failure the server
// leaves out what follows it.
Result<std::vector<Answer>> Connection::settle_all(std::string_view what) {
    std::vector<Answer> answers;
    std::optional<Error> failed;
    const bool synced = library_.PQpipelineSync(connection_) == 1;
    for (int i = std::exchange(unheard_, 0); i > 0; --i) {
        PGresult* const result = synced ? library_.PQgetResult(connection_) : nullptr;
        if (failed) {
            library_.PQclear(result);
        } else if (auto answer = take(result, what)) {
            answers.push_back(std::move(*answer));
        } else {
            failed = answer.error();
        }
        if (result == nullptr) break;
        while (PGresult* const more = library_.PQgetResult(connection_)) {
            library_.PQclear(more);
            if (library_.PQstatus(connection_) != CONNECTION_OK) break;
        }
    }
    if (library_.PQstatus(connection_) == CONNECTION_OK && synced)
        library_.PQclear(library_.PQgetResult(connection_));
    if (library_.PQexitPipelineMode(connection_) != 1 && !failed) failed = failure(nullptr, what);
    if (failed) return *failed;
    return answers;
}

Result<Answer> Connection::settle(std::string_view what) {
    auto answers = settle_all(what);
    if (!answers) return answers.error();
    return std::move(answers->back());
}

Result<void> Connection::ask_foreseen() {
    if (!foresight_.expects()) return {};
    std::vector<Statement*> asked;
    for (const auto& [statement, values] : foresight_.take_expected()) {
        const auto can = statement->foresee(values);
        if (!can) return can.error();
        if (*can) asked.push_back(statement);
    }
    if (asked.empty()) return {};
    if (auto heard = nothing_unheard(); !heard) return heard;
    if (library_.PQenterPipelineMode(connection_) != 1) return failure(nullptr, "can't use");
    for (Statement* const statement : asked) {
        ++unheard_;
        if (!statement->send_foreseen()) break;
    }
    const auto answers = settle_all("can't use");
    if (!answers) return answers.error();
    for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->keep_foreseen((*answers)[i]);
    return {};
}

Result<Answer> Connection::take(PGresult* result, std::string_view what) {
    Answer answer(library_, result);
    const ExecStatusType status = library_.PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
    return failure(result, what);
}

Error Connection::failure(const PGresult* result, std::string_view what) {
    const char* const found = library_.PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = found == nullptr ? "" : found;
    const bool lost = state.empty() || library_.PQstatus(connection_) != CONNECTION_OK;
    last_fault_ = lost ? StorageFault::io : fault_of(state);
    const char* const message = library_.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    std::string detail = std::string(what) + " " + place_ + ": ";
    if (state == "55P03") {
        detail += "another process of the account doesn't end its transaction";
    } else {
        detail += one_line(message != nullptr ? message : library_.PQerrorMessage(connection_));
    }
    if (!state.empty()) detail += " [" + state + "]";
    const bool ours = last_fault_ == StorageFault::other;
    Error error{ours ? ErrorCode::internal : ErrorCode::storage, std::move(detail), std::nullopt, {}};
    constexpr std::string_view follows_another = "25P02";
    if (begun_ && state != follows_another) {
        first_failure_ = error;
        first_fault_ = last_fault_;
    }
    return error;
}

}  // namespace meterbox::platform::postgres
