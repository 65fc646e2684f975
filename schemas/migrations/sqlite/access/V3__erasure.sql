-- Orders to erase what is known about a person, and how far each has come. Nothing here says about whom: numbers of
-- tickets, identities of calls, keyed hashes. Times are milliseconds since 1970.

CREATE TABLE privacy_secrets (
    name   TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE erasure_orders (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id        TEXT NOT NULL UNIQUE,
    -- Chosen by the client, one a request; NULL for an order that came with a restored backup.
    idempotency_key TEXT UNIQUE,
    -- Keyed hash of what was asked for; NULL as above.
    digest          BLOB,
    -- JSON: see domain/src/erasure/order.rs
    content         TEXT NOT NULL,
    -- Every place is clean since; NULL while one is not.
    closed_at_ms    INTEGER
);
CREATE INDEX erasure_orders_open ON erasure_orders (sequence) WHERE closed_at_ms IS NULL;
CREATE INDEX erasure_orders_by_digest ON erasure_orders (digest, sequence) WHERE digest IS NOT NULL;

-- What was done at a place, and when the last bytes are gone from there.
CREATE TABLE erasure_steps (
    order_id   TEXT NOT NULL REFERENCES erasure_orders (order_id) ON DELETE CASCADE,
    place      TEXT NOT NULL,
    done_at_ms INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    PRIMARY KEY (order_id, place)
) WITHOUT ROWID;
