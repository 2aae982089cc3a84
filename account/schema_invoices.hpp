// The step of the schema that brought invoices that are kept: part of schema.cpp.
#pragma once

namespace meterbox::account {

inline constexpr const char* schema_invoices = R"sql(
-- The end of the first cycle whose invoice isn't final; null: no payg grant yet; 0: not looked at yet.
ALTER TABLE team ADD COLUMN open_until INTEGER;
UPDATE team SET open_until = 0 WHERE EXISTS (SELECT 1 FROM grant_ WHERE team = team.key AND tier = 'payg');

-- Final invoices, as they were said. last_entry: of the ledger; what came after it is on a later one.
CREATE TABLE invoice (
  team TEXT NOT NULL REFERENCES team,
  from_ INTEGER NOT NULL,
  to_ INTEGER NOT NULL CHECK (to_ > from_),
  currency TEXT,
  last_entry INTEGER NOT NULL,
  final_at INTEGER NOT NULL,
  PRIMARY KEY (team, from_)
) STRICT, WITHOUT ROWID;
CREATE TABLE invoice_line (
  team TEXT NOT NULL,
  from_ INTEGER NOT NULL,
  position INTEGER NOT NULL,
  resource TEXT NOT NULL,
  units INTEGER NOT NULL,
  late_units INTEGER NOT NULL,
  unit_price INTEGER NOT NULL,
  reason TEXT NOT NULL,         -- of an adjustment; otherwise ''
  PRIMARY KEY (team, from_, position),
  FOREIGN KEY (team, from_) REFERENCES invoice
) STRICT, WITHOUT ROWID;
CREATE TRIGGER invoice_is_never_edited BEFORE UPDATE ON invoice
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoice_is_never_cut BEFORE DELETE ON invoice
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoice_line_is_never_edited BEFORE UPDATE ON invoice_line
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoice_line_is_never_cut BEFORE DELETE ON invoice_line
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;

-- Of the units that took slots, those that were booked to an earlier tier: by hour, and, where the hour isn't
-- known, by holding.
ALTER TABLE unit_hour ADD COLUMN moved INTEGER NOT NULL DEFAULT 0 CHECK (moved >= 0 AND moved <= units);
ALTER TABLE holding ADD COLUMN moved_before INTEGER NOT NULL DEFAULT 0 CHECK (moved_before >= 0);
UPDATE holding SET moved_before = (SELECT coalesce(sum(units), 0) FROM ledger WHERE ledger.tranche =
  holding.tranche AND ledger.agent = holding.agent AND ledger.incarnation = holding.incarnation AND
  from_ = 'leased' AND reason = 'draw order');
)sql";

// The earliest hour of which an agent may still send usage; null: not known, for a version of before wrote
// null where it had been sent all, and rolled that up.
inline constexpr const char* unsettled_usage_step = R"sql(
ALTER TABLE agent ADD COLUMN unsettled_hour INTEGER;
UPDATE agent SET unsettled_hour = 0;
)sql";

// `INSERT OR REPLACE` cuts the row that it takes the place of, and no trigger looks. PostgreSQL has no such
// words.
inline constexpr const char* never_replaced_step = R"sql(
-- for SQLite
CREATE TRIGGER ledger_is_never_replaced BEFORE INSERT ON ledger
  WHEN EXISTS (SELECT 1 FROM ledger WHERE entry = NEW.entry)
  BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
CREATE TRIGGER invoice_is_never_replaced BEFORE INSERT ON invoice
  WHEN EXISTS (SELECT 1 FROM invoice WHERE team = NEW.team AND from_ = NEW.from_)
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoice_line_is_never_replaced BEFORE INSERT ON invoice_line
  WHEN EXISTS (SELECT 1 FROM invoice_line WHERE team = NEW.team AND from_ = NEW.from_ AND position = NEW.position)
  BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
-- for both
--pg COMMENT ON TABLE ledger IS 'only ever added to';
)sql";

}  // namespace meterbox::account
