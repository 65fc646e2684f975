-- Orders to erase what is known about a person, and how far each has come. Nothing here says about whom: numbers of
-- tickets, identities of calls, keyed hashes. Times are milliseconds since 1970.

CREATE TABLE privacy_secrets (
    name   text PRIMARY KEY,
    secret bytea NOT NULL
);

CREATE TABLE erasure_orders (
    sequence        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        text NOT NULL UNIQUE,
    -- Chosen by the client, one a request; NULL for an order that came with a restored backup.
    idempotency_key text UNIQUE,
    -- Keyed hash of what was asked for; NULL as above.
    digest          bytea,
    -- JSON: see domain/src/erasure/order.rs
    content         text NOT NULL,
    -- Every place is clean since; NULL while one is not.
    closed_at_ms    bigint
);
CREATE INDEX erasure_orders_open ON erasure_orders (sequence) WHERE closed_at_ms IS NULL;
CREATE INDEX erasure_orders_by_digest ON erasure_orders (digest, sequence) WHERE digest IS NOT NULL;

-- What was done at a place, and when the last bytes are gone from there.
CREATE TABLE erasure_steps (
    order_id   text NOT NULL REFERENCES erasure_orders (order_id) ON DELETE CASCADE,
    place      text NOT NULL,
    done_at_ms bigint NOT NULL,
    until_ms   bigint NOT NULL,
    PRIMARY KEY (order_id, place)
);
