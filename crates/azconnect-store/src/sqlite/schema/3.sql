-- What a program that has the sealing key marks, so that nobody else can change it unnoticed. No true mark is empty.
ALTER TABLE entry ADD COLUMN mac BLOB NOT NULL DEFAULT x'';

-- The number of the stream, the change of the journal that wrote the row, the mark of the last entry, and that of the row.
ALTER TABLE stream ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN entry BLOB NOT NULL DEFAULT x'';
ALTER TABLE stream ADD COLUMN mac BLOB NOT NULL DEFAULT x'';

CREATE INDEX stream_change ON stream (change);

-- The whole journal, in one row.
CREATE TABLE journal (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id      BLOB    NOT NULL, -- random
    changes INTEGER NOT NULL,
    trace   BLOB    NOT NULL, -- of the changes
    streams INTEGER NOT NULL, -- the highest number of a stream
    entries INTEGER NOT NULL, -- ever written
    mac     BLOB    NOT NULL
) STRICT;

-- The streams that were damaged and then set aside, and their entries, to be looked at by people only.
CREATE TABLE aside (
    change INTEGER NOT NULL PRIMARY KEY, -- of the journal
    stream TEXT    NOT NULL,
    number INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    at     TEXT    NOT NULL, -- RFC 3339, UTC
    mac    BLOB    NOT NULL
) STRICT;

CREATE TABLE aside_entry (
    change     INTEGER NOT NULL REFERENCES aside (change),
    sequence   INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    at         TEXT    NOT NULL,
    checkpoint INTEGER NOT NULL,
    mac        BLOB    NOT NULL
) STRICT;
