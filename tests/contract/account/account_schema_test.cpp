// Stores of earlier versions are taken over with everything in them.
#include "account/schema.hpp"

#include "platform/sqlite/connection.hpp"
#include "platform/sqlite/migrations.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;

TEST_CASE("a store without cycles and tokens keeps its tranches, holdings and ledger") {
    const tests::TemporaryFolder folder;
    auto connection =
        platform::sqlite::Connection::open({folder.path() / "account.db", account::application_id});
    REQUIRE(connection);
    REQUIRE(platform::sqlite::migrate(**connection, account::migrations().first(1)));
    REQUIRE((*connection)->execute(R"sql(
        INSERT INTO team VALUES ('lab', 'lab', 'UTC', 'EUR', 0);
        INSERT INTO resource VALUES ('render', 'render', 'exhaustible', 'count', 1, 'hard', NULL, NULL, 5, 'EUR', 7);
        INSERT INTO grant_ VALUES (1, 'lab', 'render', 'payg', 9, NULL, 1784563200000, NULL, 'UTC', 5, 0);
        INSERT INTO tranche VALUES (1, 1, 'lab', 'render', 'payg', 9, 4, 2, 0, 0, 3, 1784563200000, NULL, 0);
        INSERT INTO agent VALUES ('a', 'lab', 'a', 'active', 1, '', 'c', '', 0, NULL, 0, '', 0, 0, NULL);
        INSERT INTO holding VALUES ('a', 1, 1, 5, 2, 0, 2, 0);
        INSERT INTO unit_hour VALUES ('a', 1, 5, 1, 2);
        INSERT INTO resource VALUES ('full', 'full', 'exhaustible', 'count', 1, 'hard', NULL, NULL, 5, 'EUR', 7);
        INSERT INTO agent_resource VALUES ('a', 1, 'render', 0, 0, 0, 0), ('a', 1, 'full', 0, 0, 0, 0);
        INSERT INTO usage VALUES ('a', 1, 5, 'render', '', 4000000000), ('a', 1, 6, 'render', '', 5000000000),
          ('a', 2, 6, 'render', '', 7), ('a', 1, 5, 'full', '', 9223372036854775807),
          ('a', 1, 6, 'full', '', 9223372036854775807);
        INSERT INTO ledger VALUES (1, 1, 0, 1, 'purchase', 'available', 9, NULL, NULL, 'purchase');
    )sql"));
    REQUIRE(platform::sqlite::migrate(**connection, account::migrations()));
    const auto number = [&](const char* sql) { return (*connection)->number(sql).value(); };
    CHECK(
        number(
            "SELECT available * 1000 + charged * 100 + leased * 10 + purchased FROM tranche WHERE id = 1") ==
        4'239);
    CHECK(number("SELECT count(*) FROM holding JOIN tranche ON tranche.id = holding.tranche") == 1);
    CHECK(number("SELECT anchor = '2026-07-20' FROM grant_") == 1);
    CHECK(number("SELECT price FROM price WHERE resource = 'render' AND since = 7") == 5);
    CHECK(number("SELECT count(*) FROM pragma_foreign_key_check") == 0);
    CHECK(number("SELECT told FROM agent_resource WHERE resource = 'render'") == 9'000'000'000);
    CHECK(number("SELECT told FROM agent_resource WHERE resource = 'full'") == std::int64_t{1} << 61);
    CHECK_FALSE((*connection)->execute("UPDATE tranche SET leased = leased + 1"));
}
