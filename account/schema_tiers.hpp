// The step of the schema that brought cycles, token pools and prices that change: part of schema.cpp.
#pragma once

namespace meterbox::account {

inline constexpr const char* schema_tiers = R"sql(
-- anchor: the local date, in the grant's zone, from which its cycles are counted (R11); null: it has one
-- tranche, from its start to its end. ended_at: an operator ended it before its time.
ALTER TABLE grant_ ADD COLUMN anchor TEXT;
ALTER TABLE grant_ ADD COLUMN ended_at INTEGER;
-- What was sold without cycles keeps its one tranche; its date is the team's billing anchor all the same.
-- for SQLite
UPDATE grant_ SET anchor = strftime('%Y-%m-%d', starts_at / 1000, 'unixepoch') WHERE tier = 'payg';
-- for both

-- Since when a unit costs what: a cycle has the price at its beginning.
CREATE TABLE price (
  resource TEXT NOT NULL REFERENCES resource,
  since INTEGER NOT NULL,
  price INTEGER NOT NULL CHECK (price >= 0),
  PRIMARY KEY (resource, since)
) STRICT, WITHOUT ROWID;
INSERT INTO price SELECT key, created_at, price FROM resource WHERE price IS NOT NULL;

-- A tranche is one of three: units of a resource; tokens, with no resource (''); or the units of one
-- resource out of such a pool of tokens. The last has no units of its own: `purchased` are those that the
-- pool has given and not got back, `available` is 0, and each unit that moves moves `rate` tokens in the pool.
-- for SQLite
PRAGMA defer_foreign_keys = ON;
CREATE TABLE tranche_before AS SELECT * FROM tranche;
DROP TABLE tranche;
CREATE TABLE tranche (
  id INTEGER PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES grant_,
  team TEXT NOT NULL,
  resource TEXT NOT NULL,     -- '': tokens, for all of them
  tier TEXT NOT NULL,
  pool INTEGER REFERENCES tranche,
  rate INTEGER CHECK (rate >= 1),  -- tokens a unit
  purchased INTEGER CHECK (purchased >= 0),  -- P; null: open payg
  available INTEGER NOT NULL CHECK (available >= 0),  -- A
  charged INTEGER NOT NULL CHECK (charged >= 0),      -- C
  in_doubt INTEGER NOT NULL CHECK (in_doubt >= 0),    -- D
  expired INTEGER NOT NULL CHECK (expired >= 0),      -- X
  leased INTEGER NOT NULL CHECK (leased >= 0),        -- sum of G - U - R over all holdings
  starts_at INTEGER NOT NULL,
  ends_at INTEGER CHECK (ends_at > starts_at),
  ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
  CHECK (purchased IS NULL OR purchased = available + charged + in_doubt + expired + leased),
  CHECK (purchased IS NOT NULL OR available + in_doubt + expired = 0),
  CHECK ((pool IS NULL) = (rate IS NULL)),
  CHECK (pool IS NULL OR available + expired = 0 AND resource <> '')
) STRICT;
INSERT INTO tranche SELECT id, grant_id, team, resource, tier, NULL, NULL, purchased, available, charged, in_doubt,
  expired, leased, starts_at, ends_at, ended FROM tranche_before;
DROP TABLE tranche_before;
CREATE INDEX tranche_of_team ON tranche (team, ended, resource);
-- for both
--pg ALTER TABLE tranche ADD COLUMN pool INTEGER REFERENCES tranche;
--pg ALTER TABLE tranche ADD COLUMN rate INTEGER CHECK (rate >= 1);
--pg ALTER TABLE tranche DROP CONSTRAINT tranche_purchased_check;
--pg ALTER TABLE tranche ADD CHECK (purchased >= 0);
--pg ALTER TABLE tranche ADD CHECK ((pool IS NULL) = (rate IS NULL));
--pg ALTER TABLE tranche ADD CHECK (pool IS NULL OR available + expired = 0 AND resource <> '');
CREATE INDEX tranche_of_grant ON tranche (grant_id);
CREATE INDEX tranche_of_pool ON tranche (pool) WHERE pool IS NOT NULL;
)sql";

}  // namespace meterbox::account
