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
