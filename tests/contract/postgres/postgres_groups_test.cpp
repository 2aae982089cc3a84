// Groups of jobs on PostgreSQL: what is asked ahead for all of them, and what becomes of all if one fails.
#include "platform/postgres/migrations.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "tests/contract/postgres/server.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using postgres::Connection;
using tests::made;
using tests::Server;

TEST_CASE_METHOD(Server, "what askers asked last time is asked for all of them at once") {
    const auto connection = connect();
    REQUIRE(connection->execute("CREATE TABLE owned (owner TEXT COLLATE \"C\", place BIGINT, thing TEXT)"));
    REQUIRE(
        connection->execute("INSERT INTO owned VALUES ('é', 2, 'bow'), ('é', 1, 'axe'), ('b', 1, 'cap')"));
    const auto ask =
        made(*connection, "SELECT thing FROM owned WHERE owner = ? AND place < ? ORDER BY place");
    const auto give = made(*connection, "INSERT INTO owned (owner, place, thing) VALUES (?, ?, ?)");
    const auto things_of = [&](const std::string& owner) {
        connection->asked_by(owner);
        sql::Binding<sql::Statement>(*ask).all(owner, 9);
        std::string things;
        while (*ask->next()) things += ask->string(0) + " ";
        ask->reset();
        return things;
    };
    const std::vector<std::string> owners{"é", "b", "nobody"};
    REQUIRE(connection->begin());
    for (const std::string& owner : owners) things_of(owner);
    REQUIRE(connection->commit());
    REQUIRE(connect()->execute("INSERT INTO owned VALUES ('b', 0, 'hat')"));

    REQUIRE(connection->begin());
    for (const std::string& owner : owners) connection->expect(owner);
    CHECK(things_of("é") == "axe bow ");
    sql::Binding<sql::Statement>(*give).all("é", 3, "oar");
    REQUIRE(give->run_unheard());
    CHECK(things_of("é") == "axe bow oar ");

    SECTION("an answer that nobody's writes can have changed is there, even if the server isn't") {
        const auto own = connection->number("SELECT pg_backend_pid()");
        REQUIRE(connection->commit());
        REQUIRE(connection->begin());
        for (const std::string& owner : owners) connection->expect(owner);
        CHECK(things_of("é") == "axe bow oar ");
        REQUIRE(connect()->execute("SELECT pg_terminate_backend(" + std::to_string(*own) + ", 10000)"));
        CHECK(things_of("b") == "hat cap ");
        CHECK(things_of("nobody") == "");
        CHECK_FALSE(connection->commit());
    }
    SECTION("what was written since is asked again") {
        sql::Binding<sql::Statement>(*give).all("nobody", 1, "dog");
        REQUIRE(give->run_unheard());
        CHECK(things_of("nobody") == "dog ");
        CHECK(things_of("b") == "hat cap ");
        REQUIRE(connection->commit());
    }
}

TEST_CASE_METHOD(Server, "what is written and asked for many at once is as if it was for each by itself") {
    const auto connection = connect();
    REQUIRE(
        connection->execute("CREATE TABLE owned (owner TEXT COLLATE \"C\", place BIGINT, thing TEXT, PRIMARY "
                            "KEY (owner, place))"));
    const auto give = made(*connection,
                           "INSERT INTO owned (owner, place, thing) VALUES (?, ?, ?) ON CONFLICT (owner, "
                           "place) DO UPDATE SET thing = excluded.thing");
    const auto ask =
        made(*connection, "SELECT thing FROM owned WHERE owner = ? AND place < ? ORDER BY place");
    const std::size_t many = GENERATE(0U, 1U, 2U, 16U, 2'000U);
    const auto owner = [](std::size_t i) { return "é" + std::to_string(i); };
    const auto thing = [](std::size_t i) { return std::string(i % 3, 'x'); };
    const auto things = [&] {
        std::vector<std::string> all(many);
        std::string name;
        REQUIRE(ask->each_of(
            many,
            [&](std::size_t i) {
                name = owner(i);
                sql::Binding<sql::Statement>(*ask).all(name, i % 2 + 1);
            },
            [&](std::size_t i, sql::Row& row) { all.at(i) += row.string(0) + "."; }));
        return all;
    };
    REQUIRE(connection->begin());
    connection->asked_by("somebody");
    CHECK(things() == std::vector<std::string>(many));
    std::string name, what;
    const auto bind = [&](std::size_t i) {
        name = owner(i);
        what = thing(i);
        sql::Binding<sql::Statement>(*give).all(name, i % 2, what);
    };
    REQUIRE(give->run_each_of(many, bind));
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < many; ++i) expected.push_back(thing(i) + ".");
    CHECK(things() == expected);
    REQUIRE(give->run_each_of(many, bind));  // they are there already
    REQUIRE(connection->commit());

    REQUIRE(connection->begin());
    connection->expect("somebody");
    connection->asked_by("somebody");
    CHECK(things() == expected);
    REQUIRE(connection->commit());
}

TEST_CASE_METHOD(Server, "one of many rows that can't be stored keeps all of them away") {
    const auto connection = connect();
    REQUIRE(connection->execute("CREATE TABLE owned (place BIGINT CHECK (place <> 1))"));
    const auto give = made(*connection, "INSERT INTO owned (place) VALUES (?)");
    REQUIRE(connection->begin());
    (void)give->run_each_of(3, [&](std::size_t i) { sql::Binding<sql::Statement>(*give).all(i); });
    CHECK_FALSE(connection->commit());
    CHECK(connect()->number("SELECT count(*) FROM owned").value() == 0);
}

TEST_CASE_METHOD(Server, "one that fails in a group without savepoints costs the others nothing") {
    const auto connection = connect();
    sql::ConnectionTransactions transactions(*connection);
    const auto add = [&](std::int64_t amount) {
        return connection->execute("UPDATE account SET last = last + " + std::to_string(amount)).has_value();
    };
    REQUIRE(transactions.begin());
    CHECK(connection->all_or_nothing());
    CHECK(add(3));
    CHECK_FALSE(add(-100));
    CHECK_FALSE(transactions.commit());
    transactions.rollback();
    CHECK(transactions.may_repeat());
    CHECK(last() == 0);

    REQUIRE(transactions.begin());
    CHECK_FALSE(connection->all_or_nothing());
    CHECK(add(3));
    REQUIRE(connection->execute("SAVEPOINT job"));
    CHECK_FALSE(add(-100));
    REQUIRE(connection->execute("ROLLBACK TO job"));
    REQUIRE(transactions.commit());
    CHECK_FALSE(transactions.may_repeat());
    CHECK(last() == 3);

    REQUIRE(transactions.begin());  // and the next is as quick as the first
    CHECK(connection->all_or_nothing());
    REQUIRE(transactions.commit());
}

TEST_CASE_METHOD(Server,
                 "the next slice of a tranche's ledger and holdings is found without those before it") {
    const auto connection = connect();
    REQUIRE(connection->execute("DROP SCHEMA meterbox CASCADE"));
    REQUIRE(postgres::migrate(*connection, account::schema_name, account::migrations()));
    REQUIRE(connection->execute("SET enable_seqscan = off; SET enable_bitmapscan = off"));
    const std::string question =
        GENERATE("FROM ledger WHERE tranche = 7 AND entry > 9 ORDER BY entry LIMIT 5",
                 "FROM holding WHERE tranche = 7 AND (agent, incarnation) > ('a', 1) ORDER BY agent, "
                 "incarnation LIMIT 5");
    const auto plan = made(*connection, "EXPLAIN SELECT * " + question);
    std::string steps;
    while (*plan->next()) steps += plan->string(0) + "\n";
    INFO(steps);
    CHECK(steps.find("_of_tranche") != std::string::npos);
    CHECK(steps.find("Sort") == std::string::npos);
    CHECK(steps.find("Filter") == std::string::npos);
}
