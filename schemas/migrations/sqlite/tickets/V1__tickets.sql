-- Tickets, their history, and what is pending towards departments. Times are milliseconds since 1970.

CREATE TABLE tickets (
    ticket_id        TEXT PRIMARY KEY,
    version          INTEGER NOT NULL,
    -- Number of entries in the history: tells whether the ticket was changed meanwhile.
    history_length   INTEGER NOT NULL,
    state            TEXT NOT NULL,
    department       TEXT NOT NULL,
    hotline          TEXT NOT NULL,
    category         TEXT,
    -- The ten fields as JSON: personal.
    request          TEXT NOT NULL,
    call             BLOB,
    created_at_ms    INTEGER NOT NULL,
    changed_at_ms    INTEGER NOT NULL,
    due_at_ms        INTEGER NOT NULL,
    because          TEXT NOT NULL,
    rule             TEXT,
    attempts         INTEGER NOT NULL,
    -- JSON list of departments.
    returned_by      TEXT NOT NULL,
    -- Personal.
    returned_because TEXT
);
CREATE INDEX tickets_by_creation ON tickets (created_at_ms, ticket_id);
CREATE INDEX tickets_by_department ON tickets (department, created_at_ms, ticket_id);
CREATE INDEX tickets_by_state ON tickets (department, state, changed_at_ms);

CREATE TABLE history (
    ticket_id  TEXT NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- agent, department, system
    actor_kind TEXT NOT NULL,
    actor      TEXT,
    action     TEXT NOT NULL,
    -- Personal.
    note       TEXT,
    PRIMARY KEY (ticket_id, number)
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    idempotency_key TEXT PRIMARY KEY,
    -- SHA-256 of what was requested.
    content         BLOB NOT NULL,
    ticket_id       TEXT NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    at_ms           INTEGER NOT NULL
) WITHOUT ROWID;

-- What departments have yet to see: one row a ticket and department, always the newest version.
CREATE TABLE pending_hand_overs (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    department    TEXT NOT NULL,
    ticket_id     TEXT NOT NULL,
    version       INTEGER NOT NULL,
    -- current, withdrawn
    kind          TEXT NOT NULL,
    since_ms      INTEGER NOT NULL,
    -- Set aside by the bus until then, and why.
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    refusals      INTEGER NOT NULL DEFAULT 0,
    error         TEXT,
    UNIQUE (department, ticket_id)
);
CREATE INDEX pending_hand_overs_in_order ON pending_hand_overs (department, sequence);

CREATE TABLE tombstones (
    department TEXT NOT NULL,
    ticket_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    due_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (department, ticket_id)
) WITHOUT ROWID;
CREATE INDEX tombstones_by_due ON tombstones (department, due_at_ms);

-- Callbacks that the topic of calls has yet to see.
CREATE TABLE call_notices (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket_id TEXT NOT NULL UNIQUE,
    identity  BLOB NOT NULL,
    hotline   TEXT NOT NULL,
    at_ms     INTEGER NOT NULL
);

-- The inbox: every reply that was settled, once for each id.
CREATE TABLE replies (
    department TEXT NOT NULL,
    reply_id   TEXT NOT NULL,
    ticket_id  TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- After an applied reply.
    state      TEXT,
    version    INTEGER,
    -- Of a rejected reply.
    code       TEXT,
    reason     TEXT,
    PRIMARY KEY (department, reply_id)
) WITHOUT ROWID;

-- Results that departments have yet to see.
CREATE TABLE pending_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    department TEXT NOT NULL,
    reply_id   TEXT NOT NULL,
    FOREIGN KEY (department, reply_id) REFERENCES replies (department, reply_id) ON DELETE CASCADE
);
CREATE INDEX pending_results_by_department ON pending_results (department, sequence);

CREATE TABLE reply_positions (
    topic_id  TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (topic_id, partition)
) WITHOUT ROWID;

CREATE TABLE leases (
    name     TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
