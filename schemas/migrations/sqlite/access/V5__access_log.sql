-- Accesses to pages and gRPC methods: whole for as long as the register says, then gone.
CREATE TABLE access_log (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms    INTEGER NOT NULL,
    -- The pattern of a route, or a method: no ids of persons or tickets.
    resource TEXT NOT NULL,
    action   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    -- Personal.
    address  TEXT NOT NULL,
    -- The address without its last octet, or its last 80 bits.
    network  TEXT NOT NULL,
    client   TEXT NOT NULL
);
CREATE INDEX access_log_by_time ON access_log (at_ms);

-- The same, counted by local day: no addresses, kept for good.
CREATE TABLE access_counts (
    day      TEXT NOT NULL,
    resource TEXT NOT NULL,
    action   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    accesses INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (day, resource, action, outcome)
) WITHOUT ROWID;
