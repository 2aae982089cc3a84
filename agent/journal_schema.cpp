#include "agent/journal_schema.hpp"

namespace meterbox::agent {

namespace {

constexpr platform::sqlite::Migration migrations[] = {
    {1, R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  measure TEXT NOT NULL,
  unit_size INTEGER NOT NULL CHECK (unit_size > 0),
  enforcement TEXT NOT NULL,
  metered INTEGER NOT NULL DEFAULT 0 CHECK (metered >= 0),
  high_water_ms INTEGER
) STRICT;

CREATE TABLE tranche (
  resource INTEGER NOT NULL REFERENCES resource,
  id TEXT NOT NULL,
  draw_order INTEGER NOT NULL,
  tier TEXT NOT NULL,
  granted INTEGER NOT NULL CHECK (granted >= 0),
  used INTEGER NOT NULL CHECK (used >= 0),
  returned INTEGER NOT NULL CHECK (returned >= 0),
  valid_from_ms INTEGER NOT NULL,
  ends_at_ms INTEGER,
  final INTEGER NOT NULL,
  payg_capped INTEGER NOT NULL,
  payg_open INTEGER NOT NULL,
  PRIMARY KEY (resource, id),
  CHECK (used + returned <= granted)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  resource INTEGER NOT NULL REFERENCES resource,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  taken_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE identity (
  hash BLOB PRIMARY KEY,
  contents INTEGER NOT NULL,
  day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  resource INTEGER NOT NULL REFERENCES resource,
  hour INTEGER NOT NULL,
  subject TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  changed INTEGER NOT NULL,
  PRIMARY KEY (resource, hour, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_pending (
  resource INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (resource, hour, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE unit_hour (
  resource INTEGER NOT NULL REFERENCES resource,
  tranche TEXT NOT NULL,
  hour INTEGER NOT NULL,
  units INTEGER NOT NULL CHECK (units > 0),
  changed INTEGER NOT NULL,
  PRIMARY KEY (resource, tranche, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_hour_changed ON unit_hour (changed);

CREATE TABLE session (
  id TEXT PRIMARY KEY,
  resource TEXT NOT NULL,
  subject TEXT NOT NULL,
  keeping INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL,
  metered INTEGER NOT NULL CHECK (metered >= 0),
  completed_at_start INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  mark_ms INTEGER NOT NULL,
  stop_at_ms INTEGER,
  ended_at_ms INTEGER,
  units_completed INTEGER NOT NULL,
  remainder INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_running ON session (id) WHERE ended_at_ms IS NULL;
)sql"},
    {2, R"sql(
CREATE TABLE identity_recent (
  seq INTEGER PRIMARY KEY,
  entries BLOB NOT NULL
) STRICT;
)sql"},
    {3, R"sql(
CREATE TABLE link (
  seq INTEGER PRIMARY KEY,
  last_event INTEGER NOT NULL,
  start INTEGER NOT NULL,
  state BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX link_start ON link (seq) WHERE start = 1;
)sql"},
    {4, R"sql(
ALTER TABLE resource ADD COLUMN former INTEGER NOT NULL DEFAULT 0 CHECK (former >= 0);
ALTER TABLE usage ADD COLUMN former INTEGER NOT NULL DEFAULT 0 CHECK (former >= 0);
ALTER TABLE usage ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE unit_hour ADD COLUMN former INTEGER NOT NULL DEFAULT 0 CHECK (former >= 0);
ALTER TABLE unit_hour ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 1;
)sql"},
    {5, R"sql(
ALTER TABLE session ADD COLUMN quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity >= 1);
)sql"},
    // Not where there were commits before there was a chain.
    {6, R"sql(
INSERT INTO meta (key, value) SELECT 'chain', 'begun'
WHERE EXISTS (SELECT 1 FROM link) OR NOT EXISTS (SELECT 1 FROM resource);
)sql"},
    // Starts whose links have gone: by them the account knows this journal from a copy of it.
    {7, R"sql(
CREATE TABLE former_start (
  seq INTEGER PRIMARY KEY,
  hash BLOB NOT NULL
) STRICT;
)sql"}};

}  // namespace

std::span<const platform::sqlite::Migration> journal_migrations() {
    return migrations;
}

}  // namespace meterbox::agent
