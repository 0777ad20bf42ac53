-- The data key of each secret, sealed; empty for a secret that an earlier version sealed with the sealing key itself.
CREATE TABLE data_key (
    id      TEXT    NOT NULL PRIMARY KEY, -- of the secret
    change  INTEGER NOT NULL,             -- of the journal that wrote the secret
    wrapped BLOB    NOT NULL,
    mac     BLOB    NOT NULL              -- of all of these, and of the sealed secret
) STRICT;

-- The mark of all secrets that there are. No true mark is empty.
ALTER TABLE journal ADD COLUMN secrets BLOB NOT NULL DEFAULT x'';

-- The keys of a store that makes them itself, each wrapped by a key that is kept elsewhere. The latest seals.
CREATE TABLE store_key (
    number  INTEGER NOT NULL PRIMARY KEY,
    id      TEXT    NOT NULL, -- hexadecimal
    wrapper TEXT    NOT NULL, -- the wrapping key, with its version
    wrapped BLOB    NOT NULL,
    mac     BLOB    NOT NULL  -- of the names of all of them, by this one
) STRICT;
