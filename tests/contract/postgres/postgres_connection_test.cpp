// A connection to a PostgreSQL of the test's own: what the account's rules rely on.
#include <thread>

#include "platform/postgres/migrations.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "tests/contract/postgres/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using postgres::Connection;
using tests::made;
using tests::run;
using tests::Server;

TEST_CASE_METHOD(Server, "values come back as they went, at both ends of their range") {
    const auto connection = connect();
    const auto echo = made(*connection, "SELECT ?1, ?2, ?3, ?4 IS NULL, ?1 + 0");
    const std::int64_t number = GENERATE(std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX);
    const std::string text = GENERATE("", "two words", "åéı €", "' \" \\ $1 ?");
    sql::Binding<sql::Statement>(*echo).all(number, text, std::optional<std::string>{},
                                            std::optional<std::int64_t>{});
    REQUIRE(*echo->next());
    CHECK(echo->integer(0) == number);
    CHECK(echo->text(1) == text);
    CHECK(echo->is_null(2));
    CHECK(echo->integer(3) == 1);
    CHECK(echo->integer(4) == number);
    CHECK_FALSE(*echo->next());
}

TEST_CASE_METHOD(Server, "a savepoint undoes what failed, and what was done before it stays") {
    const auto connection = connect();
    REQUIRE(connection->begin());
    const auto set = made(*connection, "UPDATE account SET last = ?");
    REQUIRE(run(*set, 7));
    CHECK(connection->changes() == 1);
    REQUIRE(connection->execute("SAVEPOINT job"));
    CHECK_FALSE(run(*set, -1));
    CHECK(connection->last_fault() == sql::StorageFault::other);
    REQUIRE(connection->execute("ROLLBACK TO job"));
    REQUIRE(connection->commit());
    CHECK(last() == 7);
}

TEST_CASE_METHOD(Server, "a transaction in which a statement failed is never acknowledged") {
    const auto connection = connect();
    REQUIRE(connection->begin());
    const auto set = made(*connection, "UPDATE account SET last = ?");
    REQUIRE(run(*set, 7));
    CHECK_FALSE(run(*set, -1));
    CHECK_FALSE(run(*set, 8));
    const auto committed = connection->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().detail.find("account_last_check") != std::string::npos);
    CHECK(last() == 0);
}

TEST_CASE_METHOD(
    Server, "what nobody heard of is told by the next statement, by the savepoint's end and by the commit") {
    const auto connection = connect();
    const auto set = made(*connection, "UPDATE account SET last = ?");
    const auto release = made(*connection, "RELEASE job");
    const auto unheard = [&](std::int64_t value) {
        sql::Binding<sql::Statement>(*set).all(value);
        return set->run_unheard().has_value();
    };
    REQUIRE(connection->begin());
    REQUIRE(run(*set, 3));  // from now on it is prepared
    REQUIRE(connection->execute("SAVEPOINT job"));
    CHECK(unheard(-1));
    CHECK(unheard(4));
    CHECK_FALSE(run(*release));
    CHECK(connection->last_fault() == sql::StorageFault::other);
    REQUIRE(connection->execute("ROLLBACK TO job"));
    CHECK(unheard(-1));
    CHECK_FALSE(connection->number("SELECT last FROM account"));
    REQUIRE(connection->execute("ROLLBACK TO job"));
    CHECK(unheard(5));
    CHECK(unheard(6));
    CHECK(connection->number("SELECT last FROM account").value() == 6);
    CHECK(unheard(-1));
    const auto committed = connection->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().detail.find("account_last_check") != std::string::npos);
    CHECK(last() == 0);

    REQUIRE(connection->begin());
    for (int i = 1; i <= 250; ++i) REQUIRE(unheard(i));  // more than wait for their answers at once
    REQUIRE(connection->commit());
    CHECK(last() == 250);
}

TEST_CASE_METHOD(Server,
                 "a question is asked again once its table was written, or another transaction began") {
    const auto connection = connect();
    const auto ask = made(*connection, "SELECT last FROM account WHERE one = ?");
    const auto set = made(*connection, "UPDATE account SET last = ?");
    const auto back = made(*connection, "ROLLBACK TO job");
    const auto asked = [&] {
        sql::Binding<sql::Statement>(*ask).all(1);
        REQUIRE(*ask->next());
        const std::int64_t value = ask->integer(0);
        ask->reset();
        return value;
    };
    const auto set_by_another = [this](const std::string& value) {
        const auto other = connect();
        REQUIRE(other->begin());
        REQUIRE(other->execute("UPDATE account SET last = " + value));
        REQUIRE(other->commit());
    };
    REQUIRE(connection->begin());
    CHECK(asked() == 0);
    CHECK(asked() == 0);
    sql::Binding<sql::Statement>(*set).all(1);
    REQUIRE(set->run_unheard());
    CHECK(asked() == 1);
    REQUIRE(connection->execute("SAVEPOINT job"));
    REQUIRE(run(*set, 2));
    CHECK(asked() == 2);
    REQUIRE(run(*back));
    CHECK(asked() == 1);
    REQUIRE(connection->commit());
    set_by_another("9");
    REQUIRE(connection->begin());
    CHECK(asked() == 9);
    REQUIRE(connection->commit());
    set_by_another("10");
    CHECK(asked() == 10);
}

TEST_CASE_METHOD(Server, "those who write wait for each other, and see what was committed before them") {
    constexpr int times = 50;
    const auto add = [](Connection& connection) {
        for (int i = 0; i < times; ++i) {
            if (!connection.begin()) return;
            const auto before = connection.number("SELECT last FROM account");
            const auto set =
                connection.execute("UPDATE account SET last = " + std::to_string(before ? *before + 1 : 0));
            if (!before || !set || !connection.commit()) return;
        }
    };
    const auto one = connect();
    const auto two = connect();
    std::thread other([&] { add(*two); });
    add(*one);
    other.join();
    CHECK(last() == 2 * times);
}

TEST_CASE_METHOD(Server, "who reads doesn't see what others commit meanwhile, and writes nothing") {
    const auto reader = connect();
    REQUIRE(reader->begin_reading());
    CHECK(reader->number("SELECT last FROM account").value() == 0);
    const auto writer = connect();
    REQUIRE(writer->begin());
    REQUIRE(writer->execute("UPDATE account SET last = 5"));
    REQUIRE(writer->commit());
    CHECK(reader->number("SELECT last FROM account").value() == 0);
    CHECK_FALSE(reader->execute("UPDATE account SET last = 6"));
    reader->end_reading();
    CHECK(reader->number("SELECT last FROM account").value() == 5);
}

TEST_CASE_METHOD(Server, "who has waited for a turn has it before who had the last one has the next") {
    const auto first = connect();
    const auto look = connect();
    REQUIRE(first->begin());
    std::thread second([this] {
        const auto connection = connect();
        if (!connection->begin()) return;
        if (connection->execute("UPDATE account SET last = 7")) (void)connection->commit();
    });
    const auto waits = [&] {
        return look
            ->number(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())")
            .value();
    };
    while (waits() == 0) std::this_thread::yield();
    CHECK(first->commit());
    CHECK(first->begin());
    CHECK(first->number("SELECT last FROM account").value() == 7);
    CHECK(first->commit());
    second.join();
}

TEST_CASE_METHOD(Server, "only who serves alone begins with what the first one does") {
    int firsts = 0;
    const auto count = [&]() -> core::Result<void> {
        ++firsts;
        return {};
    };
    auto one = connect();
    REQUIRE(one->begin_serving(count));
    const auto two = connect();
    REQUIRE(two->begin_serving(count));
    CHECK(firsts == 1);
    CHECK_FALSE(*connect()->keep_from_serving());
    one.reset();
    REQUIRE(connect()->begin_serving(count));
    CHECK(firsts == 1);
}

TEST_CASE_METHOD(Server, "nothing begins any more once another program has changed the schema") {
    REQUIRE(connect()->execute("DROP SCHEMA meterbox CASCADE"));
    const auto connection = connect();
    REQUIRE(postgres::migrate(*connection, account::schema_name, account::migrations()));
    REQUIRE(connection->begin());
    REQUIRE(connection->commit());
    const int by = GENERATE(1, -1);  // a newer program, or a copy that was put back
    REQUIRE(connect()->execute("UPDATE schema_version SET version = version + " + std::to_string(by)));

    const auto begun = connection->begin();
    REQUIRE_FALSE(begun);
    CHECK(begun.error().code == core::ErrorCode::storage);
    CHECK(begun.error().detail.find("start it again") != std::string::npos);
    CHECK(begun.error().detail.find('\n') == std::string::npos);
    CHECK(connection->last_fault() == sql::StorageFault::schema);
    CHECK(sql::leaves_unknown(connection->last_fault()));
    CHECK_FALSE(connection->begin_reading());

    REQUIRE(connect()->execute("UPDATE schema_version SET version = version - " + std::to_string(by)));
    REQUIRE(connection->begin());
    REQUIRE(connection->commit());
}

TEST_CASE_METHOD(Server, "min, max and sum are SQLite's") {
    const auto connection = connect();
    REQUIRE(connection->execute("DROP SCHEMA meterbox CASCADE"));
    REQUIRE(postgres::migrate(*connection, account::schema_name, account::migrations()));
    REQUIRE(postgres::migrate(*connection, account::schema_name, account::migrations()));
    CHECK(connection->number("SELECT max(3::bigint, 4::bigint) * 10 + min(3::bigint, 4::bigint)").value() ==
          43);
    CHECK(connection
              ->number("SELECT max(3::bigint, NULL::bigint) IS NULL AND min(NULL::bigint, 1::bigint) IS NULL")
              .value() == 1);
    CHECK(connection
              ->number("SELECT pg_typeof(sum(a)) = 'bigint'::regtype FROM (VALUES (1::bigint), (2)) AS t (a)")
              .value() == 1);
    CHECK_FALSE(
        connection->number("SELECT sum(a) FROM (VALUES (9223372036854775807), (1::bigint)) AS t (a)"));
}

TEST_CASE_METHOD(Server, "a schema of a newer version is refused") {
    const auto connection = connect();
    REQUIRE(connection->execute("DROP SCHEMA meterbox CASCADE"));
    REQUIRE(postgres::migrate(*connection, account::schema_name, account::migrations()));
    REQUIRE(connection->execute("UPDATE schema_version SET version = 1000"));
    const auto migrated = postgres::migrate(*connection, account::schema_name, account::migrations());
    REQUIRE_FALSE(migrated);
    CHECK(migrated.error().detail.find("install the newer program") != std::string::npos);
}

TEST_CASE("what can't be connected to is said in one line, without the password") {
    const auto [url, code] = GENERATE(table<std::string, core::ErrorCode>(
        {{"postgresql://me:se%ret@db/x", core::ErrorCode::invalid},
         {"postgresql://me:secret@db:many/x", core::ErrorCode::unreachable},
         {"postgresql://db/x?no_such=1&password=secret", core::ErrorCode::invalid},
         {"postgresql://me:secret@/x?host=/nonexistent", core::ErrorCode::unreachable},
         {"postgresql://me:secret@127.0.0.1:1/x", core::ErrorCode::unreachable}}));
    INFO(url);
    const auto opened = Connection::open({url, "meterbox", ""});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == code);
    CHECK(opened.error().detail.find('\n') == std::string::npos);
    CHECK(opened.error().detail.find("secret") == std::string::npos);
}

TEST_CASE("of two that find nothing both have the account that the first one made") {
    const tests::AccountPlace place;
    tests::FakeClock clock;
    std::string authority[2];
    std::string id[2];
    std::string why[2];
    const auto make = [&](int which) {
        tests::SeededRandom random(static_cast<std::uint64_t>(which) + 1);
        tests::FakeClock own;
        const auto store = account::Store::open_database(place.url(), own, random);
        if (!store) why[which] = store.error().detail;
        if (!store) return;
        authority[which] = (*store)->authority().certificate;
        id[which] = (*store)
                        ->database()
                        .first("SELECT id FROM account", [](auto& row) { return row.string(0); })
                        .value();
    };
    std::thread other(make, 1);
    make(0);
    other.join();
    CHECK(why[0] + why[1] == "");
    CHECK(authority[0] == authority[1]);
    CHECK(id[0] == id[1]);
    tests::SeededRandom random;
    CHECK(place.open(clock, random)->database().number("SELECT count(*) FROM lease_key") == 1);
}
