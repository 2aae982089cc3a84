// Steps of the account's schema that are about who agents are.
#pragma once

namespace meterbox::account {

// Certificates of an agent that a renewal has replaced, good until their own end; the newest is in `agent`.
inline constexpr const char* older_certificates_step = R"sql(
CREATE TABLE older_certificate (
  fingerprint TEXT PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agent,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX older_certificate_of_agent ON older_certificate (agent);
CREATE INDEX agent_of_key ON agent (key_fingerprint);
)sql";

// Each lease key but the first has the word of the one before it.
inline constexpr const char* lease_key_line_step = R"sql(
ALTER TABLE lease_key ADD COLUMN vouched TEXT;
)sql";

// What a store in a folder has in files beside it: keys, certificate, token (kept_files.hpp).
inline constexpr const char* kept_files_step = R"sql(
--pg CREATE TABLE kept_file (name TEXT PRIMARY KEY, contents TEXT NOT NULL);
)sql";

// The last word of agents that have retired.
inline constexpr const char* retirement_step = R"sql(
CREATE TABLE retirement (
  agent TEXT PRIMARY KEY REFERENCES agent,
  receipt TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// What only a wrong clock says is taken (1); and whether usage of a resource was ever recorded without being
// metered, so that there may be more of it than M: not known of what was there before.
inline constexpr const char* doubtful_usage_step = R"sql(
ALTER TABLE evidence ADD COLUMN taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1));
ALTER TABLE resource ADD COLUMN ever_unmetered INTEGER NOT NULL DEFAULT 1 CHECK (ever_unmetered IN (0, 1));
)sql";

// Usage by hour, all hours and subjects together: the larger half of its bits by itself, for no message
// bounded it so far. Nothing is compared with what is returnable.
inline constexpr const char* usage_told_step = R"sql(
ALTER TABLE agent_resource ADD COLUMN told INTEGER NOT NULL DEFAULT 0 CHECK (told >= 0);
UPDATE agent_resource SET told = coalesce((
  SELECT CASE WHEN sum(amount / 4294967296) >= 536870912 THEN 2305843009213693952
    ELSE sum(amount / 4294967296) * 4294967296 + sum(amount % 4294967296) END
  FROM usage WHERE usage.agent = agent_resource.agent AND usage.incarnation = agent_resource.incarnation AND
  usage.resource = agent_resource.resource), 0);
)sql";

// 0: it wasn't fenced, its agent went on as the next. Not known of what was there before.
inline constexpr const char* ending_step = R"sql(
ALTER TABLE incarnation ADD COLUMN fenced INTEGER NOT NULL DEFAULT 1 CHECK (fenced IN (0, 1));
)sql";

}  // namespace meterbox::account
