-- The streams of the journal. A stream exists since its first append.
CREATE TABLE stream (
    name    TEXT    NOT NULL PRIMARY KEY,
    last    INTEGER NOT NULL CHECK (last > 0),
    epoch   INTEGER NOT NULL CHECK (epoch >= 0),
    at_rest INTEGER NOT NULL CHECK (at_rest IN (0, 1))
) STRICT;

CREATE INDEX stream_unfinished ON stream (name) WHERE at_rest = 0;

-- The entries. Only ever added.
CREATE TABLE entry (
    stream   TEXT    NOT NULL REFERENCES stream (name),
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    epoch    INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    at       TEXT    NOT NULL, -- RFC 3339, UTC
    PRIMARY KEY (stream, sequence)
) STRICT;

-- The keys with which something is sealed, each with a known text that only it opens.
CREATE TABLE sealing_key (
    id    TEXT NOT NULL PRIMARY KEY, -- hexadecimal
    proof BLOB NOT NULL
) STRICT;

-- The secrets, sealed.
CREATE TABLE secret (
    id     TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

-- The last grant of every key. A key that was released keeps its epoch, without a holder.
CREATE TABLE lease (
    key        TEXT    NOT NULL PRIMARY KEY,
    epoch      INTEGER NOT NULL CHECK (epoch > 0),
    holder     TEXT,
    expires_at TEXT,    -- RFC 3339, UTC
    CHECK ((holder IS NULL) = (expires_at IS NULL))
) STRICT;
