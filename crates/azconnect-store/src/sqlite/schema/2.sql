-- Entries that are no events: each holds the state that the entries before it add up to.
ALTER TABLE entry ADD COLUMN checkpoint INTEGER NOT NULL DEFAULT 0 CHECK (checkpoint IN (0, 1));

CREATE INDEX entry_checkpoint ON entry (stream, sequence) WHERE checkpoint = 1;
