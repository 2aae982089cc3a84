// In the words of SQLite; platform/postgres/schema_words.hpp says how PostgreSQL reads them. All times are
// milliseconds since 1970 in UTC, hours are numbers since 1970, amounts are integers in the resource's
// measure. What must never be is a CHECK: SQLite then refuses the transaction.
#include "account/schema.hpp"

#include "account/schema_identity.hpp"
#include "account/schema_invoices.hpp"
#include "account/schema_learning.hpp"
#include "account/schema_tiers.hpp"

namespace meterbox::account {

namespace {

constexpr const char* step_1 = R"sql(
-- The account itself: one row.
CREATE TABLE account (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  catalogue_version INTEGER NOT NULL CHECK (catalogue_version >= 0),
  last_transaction INTEGER NOT NULL CHECK (last_transaction >= 0)
) STRICT;

-- Public halves of the keys that sign leases, as in a JWKS. The newest signs.
CREATE TABLE lease_key (
  number INTEGER PRIMARY KEY,
  kid TEXT NOT NULL UNIQUE,
  x TEXT NOT NULL,
  y TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE team (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  zone TEXT NOT NULL,
  currency TEXT,                -- set by the first payg grant
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('exhaustible', 'returnable')),
  measure TEXT NOT NULL CHECK (measure IN ('duration', 'count')),
  unit_size INTEGER NOT NULL CHECK (unit_size >= 1),
  enforcement TEXT NOT NULL CHECK (enforcement IN ('hard', 'soft', 'none')),
  rate_token_flex INTEGER CHECK (rate_token_flex >= 1),
  rate_flex INTEGER CHECK (rate_flex >= 1),
  price INTEGER CHECK (price >= 0),   -- minor units of the currency, a unit
  currency TEXT,
  created_at INTEGER NOT NULL,
  CHECK ((price IS NULL) = (currency IS NULL))
) STRICT, WITHOUT ROWID;

-- What was bought or allowed.
CREATE TABLE grant_ (
  id INTEGER PRIMARY KEY,
  team TEXT NOT NULL REFERENCES team,
  resource TEXT REFERENCES resource,  -- null: a token pool
  tier TEXT NOT NULL CHECK (tier IN ('free', 'token_flex', 'flex', 'payg')),
  amount INTEGER CHECK (amount >= 1), -- units, a payg cap included; null: open payg or tokens
  tokens INTEGER CHECK (tokens >= 1),
  starts_at INTEGER NOT NULL,
  ends_at INTEGER CHECK (ends_at > starts_at),
  zone TEXT NOT NULL,
  price INTEGER,                      -- payg: what a unit cost when it was granted
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX grant_of_team ON grant_ (team, resource);

-- One grant in one cycle, and where its units are (I1). Draw order and amounts are here, so that a
-- sync reads no grant. ended: what was unleased has been moved to expired.
CREATE TABLE tranche (
  id INTEGER PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES grant_,
  team TEXT NOT NULL,
  resource TEXT NOT NULL,
  tier TEXT NOT NULL,
  purchased INTEGER CHECK (purchased >= 1),  -- P; null: open payg
  available INTEGER NOT NULL CHECK (available >= 0),  -- A
  charged INTEGER NOT NULL CHECK (charged >= 0),      -- C
  in_doubt INTEGER NOT NULL CHECK (in_doubt >= 0),    -- D
  expired INTEGER NOT NULL CHECK (expired >= 0),      -- X
  leased INTEGER NOT NULL CHECK (leased >= 0),        -- sum of G - U - R over all holdings
  starts_at INTEGER NOT NULL,
  ends_at INTEGER CHECK (ends_at > starts_at),
  ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
  CHECK (purchased IS NULL OR purchased = available + charged + in_doubt + expired + leased),
  CHECK (purchased IS NOT NULL OR available + in_doubt + expired = 0)
) STRICT;
CREATE INDEX tranche_of_team ON tranche (team, ended, resource);

-- Tokens for the admin port beside the one in admin.token: hashes alone. team: reads that team only.
CREATE TABLE admin_token (
  token_hash TEXT PRIMARY KEY,
  team TEXT REFERENCES team,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An enrollment token: its hash alone, and with which key and answer it was used.
CREATE TABLE enrollment (
  token_hash TEXT PRIMARY KEY,
  team TEXT NOT NULL REFERENCES team,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  key_fingerprint TEXT,
  agent TEXT,
  CHECK ((key_fingerprint IS NULL) = (agent IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
  id TEXT PRIMARY KEY,
  team TEXT NOT NULL REFERENCES team,
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'fenced', 'revoked', 'retired')),
  incarnation INTEGER NOT NULL CHECK (incarnation >= 1),
  key_fingerprint TEXT NOT NULL,          -- SHA-256 of its public key
  certificate_fingerprint TEXT NOT NULL UNIQUE,
  certificate TEXT NOT NULL,              -- PEM
  certificate_expires_at INTEGER NOT NULL,
  session TEXT,                           -- the one that counts: a new hello ends the last
  acknowledged INTEGER NOT NULL CHECK (acknowledged >= 0),  -- of its journal
  acknowledged_hash TEXT NOT NULL,
  lease_number INTEGER NOT NULL CHECK (lease_number >= 0),  -- of the newest lease
  enrolled_at INTEGER NOT NULL,
  last_sync_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_of_team ON agent (team, state, last_sync_at);

-- What began with a hello. In the store, so that any process of the account answers.
CREATE TABLE session (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  nonce TEXT NOT NULL,
  last_request INTEGER NOT NULL CHECK (last_request >= 0),
  created_at INTEGER NOT NULL,
  UNIQUE (agent, nonce)
) STRICT, WITHOUT ROWID;

-- The newest lease of each agent, as it was signed. contents: what it says without number and
-- times, so that an unchanged one isn't signed again.
CREATE TABLE lease (
  agent TEXT PRIMARY KEY REFERENCES agent,
  session TEXT NOT NULL,
  number INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  spend_until INTEGER NOT NULL,
  contents TEXT NOT NULL,
  jws TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Counters of one agent's incarnation: the largest seen.
CREATE TABLE holding (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  tranche INTEGER NOT NULL REFERENCES tranche,
  granted INTEGER NOT NULL CHECK (granted >= 0),    -- G
  used INTEGER NOT NULL CHECK (used >= 0),          -- U
  returned INTEGER NOT NULL CHECK (returned >= 0),  -- R
  in_hours INTEGER NOT NULL CHECK (in_hours >= 0),  -- sum of unit_hour: of U, what is known by hour
  since INTEGER NOT NULL,                           -- when the first unit was leased
  PRIMARY KEY (agent, incarnation, tranche),
  CHECK (used + returned <= granted AND in_hours <= used)
) STRICT, WITHOUT ROWID;
CREATE INDEX holding_of_tranche ON holding (tranche);

CREATE TABLE agent_resource (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  resource TEXT NOT NULL REFERENCES resource,
  metered INTEGER NOT NULL CHECK (metered >= 0),      -- M
  remainder INTEGER NOT NULL CHECK (remainder >= 0),  -- q, as of M
  overage_units INTEGER NOT NULL CHECK (overage_units >= 0),
  rate_per_hour INTEGER NOT NULL CHECK (rate_per_hour >= 0),
  PRIMARY KEY (agent, incarnation, resource)
) STRICT, WITHOUT ROWID;

-- Sums of agent_resource over a team's agents, so that a card costs the same for any number of them.
CREATE TABLE team_resource (
  team TEXT NOT NULL REFERENCES team,
  resource TEXT NOT NULL REFERENCES resource,
  remainder INTEGER NOT NULL CHECK (remainder >= 0),
  overage_units INTEGER NOT NULL CHECK (overage_units >= 0),
  PRIMARY KEY (team, resource)
) STRICT, WITHOUT ROWID;

-- Units that took slots of a tranche in an hour: totals, the largest seen.
CREATE TABLE unit_hour (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  tranche INTEGER NOT NULL REFERENCES tranche,
  units INTEGER NOT NULL CHECK (units >= 0),
  PRIMARY KEY (agent, incarnation, hour, tranche)
) STRICT, WITHOUT ROWID;

-- Usage of an hour: totals, the largest seen.
CREATE TABLE usage (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  resource TEXT NOT NULL REFERENCES resource,
  subject TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (agent, incarnation, hour, resource, subject)
) STRICT, WITHOUT ROWID;

-- Every move of units, double entry: it leaves one place of a tranche and arrives in another. Only
-- ever added to. transaction_: entries that were made together.
CREATE TABLE ledger (
  entry INTEGER PRIMARY KEY,
  transaction_ INTEGER NOT NULL,
  at INTEGER NOT NULL,
  tranche INTEGER NOT NULL REFERENCES tranche,
  from_ TEXT NOT NULL,
  to_ TEXT NOT NULL,
  units INTEGER NOT NULL CHECK (units >= 1),
  agent TEXT,              -- whose lease it left or joined
  incarnation INTEGER,
  reason TEXT NOT NULL,
  CHECK (from_ IN ('purchase', 'available', 'leased', 'charged', 'in_doubt', 'expired')),
  CHECK (to_ IN ('purchase', 'available', 'leased', 'charged', 'in_doubt', 'expired')),
  CHECK (from_ <> to_),
  CHECK (from_ <> 'leased' AND to_ <> 'leased' OR agent IS NOT NULL)
) STRICT;
CREATE INDEX ledger_of_tranche ON ledger (tranche);
CREATE TRIGGER ledger_is_never_edited BEFORE UPDATE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
CREATE TRIGGER ledger_is_never_cut BEFORE DELETE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;

-- Messages that no honest agent sends: refused, kept for whoever looks into it. A repeated one counts up.
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  times INTEGER NOT NULL,
  detail TEXT NOT NULL,
  UNIQUE (agent, incarnation, detail)
) STRICT;
)sql";

// Fences, lost agents, and what becomes of their units.
constexpr const char* step_fences = R"sql(
-- `acknowledged` of an agent: the link of its journal's chain at which its counters were taken last.
ALTER TABLE agent ADD COLUMN usage_acknowledged INTEGER NOT NULL DEFAULT 0;  -- the same of usage by hour
ALTER TABLE agent ADD COLUMN starts_after INTEGER NOT NULL DEFAULT 0;  -- journal_start is complete after it
ALTER TABLE agent ADD COLUMN fenced_at INTEGER;       -- the last time, unless an operator allowed another
ALTER TABLE agent ADD COLUMN waits_since INTEGER;     -- fenced again too soon: for an operator
ALTER TABLE agent ADD COLUMN written_off_at INTEGER;  -- given up, and not heard of since
UPDATE agent SET usage_acknowledged = acknowledged, starts_after = acknowledged;
ALTER TABLE team ADD COLUMN lost TEXT NOT NULL DEFAULT 'hold' CHECK (lost IN ('hold', 'count', 'release'));
ALTER TABLE team ADD COLUMN lost_after_ms INTEGER CHECK (lost_after_ms > 0);  -- null: never by itself

-- Incarnations that are over: how far their journals counted.
CREATE TABLE incarnation (
  agent TEXT NOT NULL REFERENCES agent,
  number INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL,
  acknowledged_hash TEXT NOT NULL,
  usage_acknowledged INTEGER NOT NULL,
  starts_after INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  PRIMARY KEY (agent, number)
) STRICT, WITHOUT ROWID;

-- Links with which starts of an agent began, as far as they are acknowledged: where two chains part.
CREATE TABLE journal_start (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (agent, incarnation, sequence)
) STRICT, WITHOUT ROWID;

-- Units of a lease whose agent was fenced or written off. In holding they count as returned.
CREATE TABLE doubt (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  tranche INTEGER NOT NULL REFERENCES tranche,
  resource TEXT NOT NULL,
  held INTEGER NOT NULL CHECK (held >= 0),          -- in doubt
  counted INTEGER NOT NULL CHECK (counted >= 0),    -- charged
  released INTEGER NOT NULL CHECK (released >= 0),  -- available again
  PRIMARY KEY (agent, incarnation, tranche, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX doubt_of_tranche ON doubt (tranche);

-- What passed into the team's custody when an incarnation ended.
CREATE TABLE handed_over (
  agent TEXT NOT NULL REFERENCES agent,
  incarnation INTEGER NOT NULL,
  resource TEXT NOT NULL REFERENCES resource,
  remainder INTEGER NOT NULL CHECK (remainder >= 0),
  overage_units INTEGER NOT NULL CHECK (overage_units >= 0),
  PRIMARY KEY (agent, incarnation, resource)
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* lines_and_holdings_step = R"sql(
-- Who asked and got less than what can't wait: one an agent and resource, in the order of the grant
-- transactions. polled_at: its agent was heard last; need: what it still lacks, in units.
CREATE TABLE ticket (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  team TEXT NOT NULL REFERENCES team,
  agent TEXT NOT NULL REFERENCES agent,
  resource TEXT NOT NULL REFERENCES resource,
  need INTEGER NOT NULL CHECK (need >= 1),
  opened_at INTEGER NOT NULL,
  polled_at INTEGER NOT NULL,
  UNIQUE (agent, resource)
) STRICT;
CREATE INDEX ticket_of_team ON ticket (team, number);

-- When the agent was last seen to use the resource, or to need it.
ALTER TABLE agent_resource ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
-- H: units of a returnable resource that sessions hold, as they were said last.
ALTER TABLE agent_resource ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0);
ALTER TABLE team_resource ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0);
)sql";

// The ledger's own entries number what was made together: a row that every job writes is one too many.
constexpr const char* ledger_numbers_step = "ALTER TABLE account DROP COLUMN last_transaction;";

// A slice of a tranche's rows is found where the last one ended. SQLite's indexes are in the order of the
// row's key by themselves.
constexpr const char* slices_step = R"sql(
--pg DROP INDEX ledger_of_tranche;
--pg CREATE INDEX ledger_of_tranche ON ledger (tranche, entry);
--pg DROP INDEX holding_of_tranche;
--pg CREATE INDEX holding_of_tranche ON holding (tranche, agent, incarnation);
)sql";

}  // namespace

std::span<const platform::sql::Migration> migrations() {
    static constexpr platform::sql::Migration steps[] = {{1, step_1},
                                                         {2, older_certificates_step},
                                                         {3, schema_tiers},
                                                         {4, step_fences},
                                                         {5, lines_and_holdings_step},
                                                         {6, lease_key_line_step},
                                                         {7, retirement_step},
                                                         {8, schema_invoices},
                                                         {9, learning_step},
                                                         {10, unsettled_usage_step},
                                                         {11, kept_files_step},
                                                         {12, doubtful_usage_step},
                                                         {13, ledger_numbers_step},
                                                         {14, never_replaced_step},
                                                         {15, slices_step},
                                                         {16, usage_told_step},
                                                         {17, ending_step}};
    return steps;
}

}  // namespace meterbox::account
