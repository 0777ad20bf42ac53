-- The version of these tables, in one row.
CREATE TABLE store_version (
    one     boolean PRIMARY KEY CHECK (one),
    version integer NOT NULL
);

-- The keys with which something is sealed, each with a known text that only it opens.
CREATE TABLE sealing_key (
    id    text COLLATE "C" PRIMARY KEY, -- hexadecimal
    proof bytea NOT NULL
);

-- The keys of a store that makes them itself, each wrapped by a key that is kept elsewhere. The latest seals.
CREATE TABLE store_key (
    number  bigint PRIMARY KEY,
    id      text  NOT NULL, -- hexadecimal
    wrapper text  NOT NULL, -- the wrapping key, with its version
    wrapped bytea NOT NULL,
    mac     bytea NOT NULL  -- of the names of all of them, by this one
);

-- The secrets, each sealed with a data key, which is sealed as well.
CREATE TABLE secret (
    id      text COLLATE "C" PRIMARY KEY,
    change  bigint NOT NULL, -- of the journal that wrote it
    sealed  bytea  NOT NULL,
    wrapped bytea  NOT NULL, -- the data key
    mac     bytea  NOT NULL  -- of all of these
);

-- The last grant of every key. A key that was released keeps its epoch, without a holder.
CREATE TABLE lease (
    key        text COLLATE "C" PRIMARY KEY,
    epoch      bigint NOT NULL CHECK (epoch > 0),
    holder     text,
    expires_at timestamptz, -- by this server's clock
    CHECK ((holder IS NULL) = (expires_at IS NULL))
);

-- The whole journal, in one row.
CREATE TABLE journal (
    one     boolean PRIMARY KEY CHECK (one),
    id      bytea  NOT NULL, -- random
    changes bigint NOT NULL,
    trace   bytea  NOT NULL, -- of the changes
    streams bigint NOT NULL, -- the highest number of a stream
    entries bigint NOT NULL, -- ever written
    secrets bytea  NOT NULL, -- the mark of all secrets that there are
    mac     bytea  NOT NULL
);

-- The streams of the journal. A stream exists since its first append.
CREATE TABLE stream (
    name    text COLLATE "C" PRIMARY KEY,
    number  bigint  NOT NULL,
    last    bigint  NOT NULL CHECK (last > 0),
    epoch   bigint  NOT NULL CHECK (epoch >= 0),
    at_rest boolean NOT NULL,
    change  bigint  NOT NULL, -- of the journal
    entry   bytea   NOT NULL, -- the mark of the last entry
    mac     bytea   NOT NULL
);

CREATE INDEX stream_change ON stream (change);

-- The entries. Only ever added. Kind and payload are UTF-8; they may hold a zero character, which no text here can.
CREATE TABLE entry (
    stream     text COLLATE "C" NOT NULL REFERENCES stream (name),
    sequence   bigint  NOT NULL CHECK (sequence > 0),
    epoch      bigint  NOT NULL,
    kind       bytea   NOT NULL,
    payload    bytea   NOT NULL,
    at         text    NOT NULL, -- RFC 3339, UTC, to the nanosecond
    checkpoint boolean NOT NULL,
    mac        bytea   NOT NULL,
    PRIMARY KEY (stream, sequence)
);

CREATE INDEX entry_checkpoint ON entry (stream, sequence) WHERE checkpoint;

-- Documents: what a product keeps about its customers, without any secret.
CREATE TABLE document (
    collection text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL CHECK (revision > 0),
    labels     text   NOT NULL, -- JSON: names and values
    text       text   NOT NULL,
    mac        bytea  NOT NULL,
    PRIMARY KEY (collection, id)
);

CREATE INDEX document_revision_index ON document (revision);

-- The revisions. Some are never used: a transaction that was rolled back had them.
CREATE SEQUENCE document_revision;

INSERT INTO store_version (one, version) VALUES (true, 1);
