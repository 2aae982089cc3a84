// The step of the schema for an account that is older than what it said: part of schema.cpp.
#pragma once

namespace meterbox::account {

// learning: the agent's word is awaited. What was leased and isn't known makes A fall below 0 until units
// come back, so the CHECK against that goes; SQLite knows no other way to drop one than to edit the text.
inline constexpr const char* learning_step = R"sql(
ALTER TABLE agent ADD COLUMN learning INTEGER NOT NULL DEFAULT 0 CHECK (learning IN (0, 1));
CREATE INDEX agent_learning ON agent (team) WHERE learning = 1;

-- When and how it was found out; team: null: all of them learn.
CREATE TABLE incident (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  team TEXT REFERENCES team,
  detail TEXT NOT NULL
) STRICT;
-- for SQLite
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (available >= 0)', '') WHERE name = 'tranche';
PRAGMA writable_schema = RESET;
-- for both
--pg ALTER TABLE tranche DROP CONSTRAINT tranche_available_check;
)sql";

}  // namespace meterbox::account
