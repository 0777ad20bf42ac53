-- Documents: what a product keeps about its customers, without any secret.
CREATE TABLE document (
    collection TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    revision   INTEGER NOT NULL CHECK (revision > 0),
    labels     TEXT    NOT NULL, -- JSON: names and values
    text       TEXT    NOT NULL,
    mac        BLOB    NOT NULL,
    PRIMARY KEY (collection, id)
) STRICT;

-- The highest revision that any document ever had, in one row.
CREATE TABLE document_revision (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL CHECK (last >= 0)
) STRICT;

INSERT INTO document_revision (one, last) VALUES (1, 0);
