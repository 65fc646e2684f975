-- Accesses to pages and gRPC methods: whole for as long as the register says, then gone.
CREATE TABLE access_log (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms    bigint NOT NULL,
    -- The pattern of a route, or a method: no ids of persons or tickets.
    resource text NOT NULL,
    action   text NOT NULL,
    outcome  text NOT NULL,
    bytes    bigint NOT NULL,
    -- Personal.
    address  text NOT NULL,
    -- The address without its last octet, or its last 80 bits.
    network  text NOT NULL,
    client   text NOT NULL
);
CREATE INDEX access_log_by_time ON access_log (at_ms);
-- The planner keeps no samples of what is personal.
ALTER TABLE access_log
    ALTER COLUMN address SET STATISTICS 0,
    ALTER COLUMN client SET STATISTICS 0;

-- The same, counted by local day: no addresses, kept for good.
CREATE TABLE access_counts (
    day      text NOT NULL,
    resource text NOT NULL,
    action   text NOT NULL,
    outcome  text NOT NULL,
    accesses bigint NOT NULL,
    bytes    bigint NOT NULL,
    PRIMARY KEY (day, resource, action, outcome)
);
