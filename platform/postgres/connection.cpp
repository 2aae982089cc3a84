#include "platform/postgres/connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/account_limits.hpp"
#include "core/assert.hpp"
#include "platform/postgres/answer.hpp"
#include "platform/postgres/one_line.hpp"
#include "platform/postgres/statement.hpp"

namespace meterbox::platform::postgres {

using core::Error;
using core::ErrorCode;
using core::Result;
using sql::StorageFault;

namespace {

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
    if (connection->lost()) return connection->unreachable();
    if (const auto prepared = connection->prepare_session(); !prepared) return prepared.error();
    return connection;
}

bool Connection::lost() const {
    return library_.PQstatus(connection_) != CONNECTION_OK;
}

// One that the server has closed is known as such once its end was read; its last words come before that.
bool Connection::has_gone() {
    (void)library_.PQconsumeInput(connection_);
    (void)library_.PQconsumeInput(connection_);
    return lost();
}

Error Connection::unreachable() {
    return {ErrorCode::unreachable,
            "the store's database can't be reached: " + one_line(library_.PQerrorMessage(connection_)),
            std::nullopt,
            {}};
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

// Nothing is in flight: whatever became of the old connection, nothing of it is stored or will be.
Result<void> Connection::connect_anew() {
    library_.PQreset(connection_);
    ++made_;
    unheard_ = 0;
    // What is done first begins a transaction of its own, on this connection.
    const bool was_away = std::exchange(away_, false);
    const auto going_on = lost() ? Result<void>(unreachable()) : go_on_anew();
    away_ = !going_on;
    if (notice_ && going_on) notice_(false, "connected anew to " + place_);
    if (notice_ && !going_on && !was_away) notice_(true, going_on.error().detail);
    if (!going_on && last_fault_ != StorageFault::schema) last_fault_ = StorageFault::busy;  // it passes
    return going_on;
}

Result<void> Connection::go_on_anew() {
    if (auto prepared = prepare_session(); !prepared || !if_first_) return prepared;
    const auto here = identity();
    if (!here) return here.error();
    if (*here != identity_)
        return Error{ErrorCode::unreachable,
                     place_ + " has another account than before: it isn't touched",
                     std::nullopt,
                     {}};
    return serve();
}

// The version comes with the last answer of what is sent anyway.
Result<void> Connection::begin_with(std::string sql, bool any_version) {
    METERBOX_ASSERT(!begun_);
    const bool asks_version = version_ && !any_version;
    if (asks_version) sql += "; SELECT version FROM " + options_.schema + ".schema_version";
    first_failure_.reset();
    first_fault_ = StorageFault::none;
    lost_before_commit_ = false;
    foresight_.begin();
    writes_.forget();
    next_turn();
    if (lost() || away_)
        if (auto made = connect_anew(); !made) return made;
    auto begun = take(library_.PQexec(connection_, sql.c_str()), "can't begin in");
    if (!begun && lost()) {  // it had gone before, and nobody had noticed
        if (auto made = connect_anew(); !made) return made;
        begun = take(library_.PQexec(connection_, sql.c_str()), "can't begin in");
    }
    begun_ = true;
    const std::int64_t found = begun && asks_version && begun->rows() > 0 ? begun->integer(0, 0) : 0;
    const bool other = begun && asks_version && found != *version_;
    if (begun && !other) return {};
    rollback();
    if (other) return other_version(found);
    if (lost()) last_fault_ = StorageFault::busy;  // with nothing in flight
    return begun.error();
}

Result<void> Connection::begin() {
    telling_apart_ = std::exchange(tell_apart_, false);
    return begin_with("BEGIN; " + std::string(stand_in_line) + options_.turn);
}

Result<void> Connection::begin_migrating() {
    return begin_with("BEGIN; " + std::string(stand_in_line), true);
}

Error Connection::other_version(std::int64_t found) {
    last_fault_ = StorageFault::schema;
    return {ErrorCode::storage,
            place_ + " has schema version " + std::to_string(found) +
                " by now, and this process works with " + std::to_string(*version_) +
                ": it writes nothing more; start it again, as the newer program",
            std::nullopt,
            {}};
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

Result<void> Connection::begin_serving(std::function<Result<void>()> if_first, Notice notice) {
    const auto here = identity();
    if (!here) return here.error();
    identity_ = *here;
    notice_ = std::move(notice);
    if_first_ = std::move(if_first);
    return serve();
}

Result<void> Connection::serve() {
    const auto alone = keep_from_serving();
    if (!alone) return alone.error();
    if (!*alone) return execute(serve_too);
    if (auto done = if_first_(); !done) return done;
    if (auto shared = execute(serve_too); !shared) return shared;
    return execute(alone_no_more);
}

Result<std::string> Connection::identity() {
    if (options_.identity.empty()) return std::string();
    const auto said = take(library_.PQexec(connection_, options_.identity.c_str()), "can't read");
    if (!said) return said.error();
    return said->rows() == 0 ? std::string() : std::string(said->text(0, 0));
}

// What failed and was not rolled back to where it was well makes COMMIT a ROLLBACK, without an error.
Result<void> Connection::commit() {
    METERBOX_ASSERT(begun_);
    (void)nothing_unheard();  // what failed is kept, and COMMIT says so
    begun_ = false;
    if (has_gone()) {
        lost_before_commit_ = true;
        last_fault_ = StorageFault::busy;
        return first_failure_ ? *first_failure_ : unreachable();
    }
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
    if (!lost()) library_.PQclear(library_.PQexec(connection_, "ROLLBACK"));
}

}  // namespace meterbox::platform::postgres
