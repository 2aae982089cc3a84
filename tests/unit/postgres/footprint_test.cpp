// When an answer may be used again: of two statements' texts, whether one can change what the other saw.
#include "platform/postgres/footprint.hpp"

#include "tests/support/catch.hpp"

using meterbox::platform::postgres::Footprint;
using meterbox::platform::postgres::meets;
using meterbox::platform::postgres::told_apart_by;

namespace {

bool meet(const char* write, const char* read) {
    return meets(Footprint::of(write), Footprint::of(read));
}

using Pins = std::map<std::string, std::size_t>;

}  // namespace

TEST_CASE("a write meets a read of a column that it changes, and no other") {
    const char* const update = "UPDATE agent SET last_sync_at = $1 WHERE id = $2";
    CHECK(meet(update, "SELECT last_sync_at FROM agent WHERE id = $1"));
    CHECK(meet(update, "SELECT count(*) FROM agent WHERE last_sync_at > $1"));
    CHECK_FALSE(meet(update, "SELECT id FROM agent WHERE certificate_fingerprint = $1"));
    CHECK_FALSE(meet(update, "SELECT last_sync_at FROM session WHERE id = $1"));
    CHECK(meet("UPDATE a SET (b, c) = (SELECT max(d), 0 FROM e) WHERE f = $1", "SELECT c FROM a"));
}

TEST_CASE("rows that come or go meet every read of their table") {
    CHECK(meet("INSERT INTO agent (id) VALUES ($1)", "SELECT name FROM agent"));
    CHECK(meet("DELETE FROM agent WHERE id = $1", "SELECT EXISTS (SELECT 1 FROM agent WHERE team = $1)"));
    CHECK_FALSE(meet("DELETE FROM agent WHERE id = $1", "SELECT name FROM team"));
}

TEST_CASE("rows are told apart where all that a statement is about equals a parameter") {
    CHECK(Footprint::of("SELECT used FROM holding WHERE agent = $1 AND tranche = $2").pinned ==
          Pins{{"agent", 0}});
    CHECK(Footprint::of("SELECT n FROM session WHERE id = $2 AND agent = $1").pinned ==
          Pins{{"agent", 0}, {"id", 1}});
    CHECK(Footprint::of("UPDATE holding SET used = used + $1 WHERE agent = $2 AND tranche = $12").pinned ==
          Pins{{"agent", 1}});
    CHECK(Footprint::of("DELETE FROM session WHERE agent = $1").pinned == Pins{{"agent", 0}});
    CHECK(Footprint::of("INSERT INTO usage (hour, agent) VALUES ($1, $2)").pinned == Pins{{"agent", 1}});
    CHECK(Footprint::of("INSERT INTO h (agent, n) VALUES ($1, $2) ON CONFLICT (agent) DO UPDATE SET n = 1")
              .pinned == Pins{{"agent", 0}});
    CHECK(told_apart_by(Footprint::of("DELETE FROM session WHERE agent = $1 AND id = $2")) == "agent");
}

TEST_CASE("what might be about other rows, too, isn't told apart") {
    const char* const sql =
        GENERATE("SELECT used FROM holding WHERE agent = $1 OR tranche = $2",
                 "SELECT used FROM holding WHERE NOT (agent = $1)",
                 "SELECT used FROM holding WHERE agent = $1 UNION SELECT used FROM holding",
                 "SELECT used FROM holding JOIN agent ON agent = $1 WHERE tranche = $2",
                 "SELECT account.id, nonce FROM account, session WHERE session.id = $1",
                 "SELECT used FROM holding WHERE agent = (SELECT id FROM agent WHERE id = $1)",
                 "SELECT CASE WHEN agent = $1 THEN 1 END FROM holding",
                 "SELECT * FROM holding WHERE agent = $1", "SELECT used FROM holding WHERE agent > $1",
                 "UPDATE holding SET used = $1", "UPDATE holding SET agent = $1 WHERE agent = $2",
                 "UPDATE session SET n = 1 WHERE agent IN (SELECT id FROM agent WHERE team = $1)",
                 "INSERT INTO h (id, agent) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = 1",
                 "INSERT INTO h (agent) SELECT $1", "INSERT INTO h (agent, n) VALUES ('x', $1)");
    CAPTURE(sql);
    const auto print = Footprint::of(sql);
    CHECK_FALSE(print.pinned.contains("agent"));
    if (std::string_view(sql).find("session.id") != std::string_view::npos) CHECK(print.pinned.empty());
}

TEST_CASE("what isn't understood may do anything") {
    CHECK(Footprint::of("ROLLBACK TO job").kind == Footprint::Kind::unknown);
    CHECK(Footprint::of("WITH a AS (DELETE FROM b RETURNING c) SELECT c FROM a").kind ==
          Footprint::Kind::unknown);
    CHECK(Footprint::of("UPDATE ONLY holding AS h SET used = 1").kind == Footprint::Kind::unknown);
    CHECK(Footprint::of("RELEASE job").kind == Footprint::Kind::mark);
}
