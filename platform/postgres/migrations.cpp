#include "platform/postgres/migrations.hpp"

#include "platform/postgres/schema_words.hpp"

namespace meterbox::platform::postgres {

using core::Result;

namespace {

// Held until the end of the transaction, which has the writers' line to itself: who comes from it afterwards
// sees the new version. Any number that nobody else takes: "mbac", step by step.
constexpr const char* one_at_a_time = "SELECT pg_advisory_xact_lock(1835163235, 1)";

// What SQLite has and PostgreSQL hasn't, or means otherwise: min and max of two, a sum that stays an integer
// and fails where it overflows, a trigger that refuses. Names that other roles could use are not made.
constexpr const char* foundation = R"sql(
CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version VALUES (0);
CREATE FUNCTION max(a BIGINT, b BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN a >= b THEN a WHEN a < b THEN b END;
CREATE FUNCTION min(a BIGINT, b BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN a <= b THEN a WHEN a > b THEN b END;
CREATE AGGREGATE sum(BIGINT) (SFUNC = int8pl, STYPE = BIGINT);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation'; END$$;
)sql";

Result<std::int64_t> version_of(Connection& connection, const std::string& schema) {
    const auto there = connection.number("SELECT to_regclass('" + schema + ".schema_version') IS NOT NULL");
    if (!there) return there.error();
    if (*there == 0) return -1;
    return connection.number("SELECT version FROM schema_version");
}

Result<void> bring(Connection& connection, const std::string& schema, std::span<const sql::Migration> steps) {
    if (auto alone = connection.execute(one_at_a_time); !alone) return alone;
    auto version = version_of(connection, schema);
    if (!version) return version.error();
    if (*version < 0) {
        if (auto made = connection.execute("CREATE SCHEMA IF NOT EXISTS " + schema + ";" + foundation); !made)
            return made;
        version = 0;
    }
    for (const sql::Migration& step : steps) {
        if (step.version <= *version) continue;
        if (auto done = connection.execute(in_words_of_postgres(step.sql)); !done) return done;
    }
    return connection.execute("UPDATE schema_version SET version = " + std::to_string(steps.back().version));
}

Result<void> raise(Connection& connection, const std::string& schema, std::span<const sql::Migration> steps) {
    if (auto begun = connection.begin_migrating(); !begun) return begun;
    const auto done = bring(connection, schema, steps);
    if (done) return connection.commit();
    connection.rollback();
    return done;
}

}  // namespace

Result<void> migrate(Connection& connection, const std::string& schema,
                     std::span<const sql::Migration> steps) {
    const std::int64_t newest = steps.back().version;
    const auto version = version_of(connection, schema);
    if (!version) return version.error();
    if (*version > newest)
        return core::Error{core::ErrorCode::storage,
                           connection.place() + " has schema version " + std::to_string(*version) +
                               ", this program knows versions up to " + std::to_string(newest) +
                               ": install the newer program again",
                           std::nullopt,
                           {}};
    if (*version < newest)
        if (auto raised = raise(connection, schema, steps); !raised) return raised;
    connection.expect_version(newest);
    return {};
}

}  // namespace meterbox::platform::postgres
