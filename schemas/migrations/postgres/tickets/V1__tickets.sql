-- Tickets, their history, and what is pending towards departments. Times are milliseconds since 1970.
--
-- The row of a ticket is the lock of everything that belongs to it; it is taken first.

CREATE TABLE tickets (
    ticket_id        text COLLATE "C" PRIMARY KEY,
    version          bigint NOT NULL,
    -- Number of entries in the history: tells whether the ticket was changed meanwhile.
    history_length   bigint NOT NULL,
    state            text NOT NULL,
    department       text NOT NULL,
    hotline          text NOT NULL,
    category         text,
    -- The ten fields as JSON: personal.
    request          text NOT NULL,
    call             uuid,
    created_at_ms    bigint NOT NULL,
    changed_at_ms    bigint NOT NULL,
    due_at_ms        bigint NOT NULL,
    because          text NOT NULL,
    rule             text,
    attempts         bigint NOT NULL,
    -- JSON list of departments.
    returned_by      text NOT NULL,
    -- Personal.
    returned_because text
);
CREATE INDEX tickets_by_creation ON tickets (created_at_ms, ticket_id);
CREATE INDEX tickets_by_department ON tickets (department, created_at_ms, ticket_id);
CREATE INDEX tickets_by_state ON tickets (department, state, changed_at_ms);

CREATE TABLE ticket_history (
    ticket_id  text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    number     bigint NOT NULL,
    at_ms      bigint NOT NULL,
    -- agent, department, system
    actor_kind text NOT NULL,
    actor      text,
    action     text NOT NULL,
    -- Personal.
    note       text,
    PRIMARY KEY (ticket_id, number)
);

-- The key comes first: two instances that are asked the same at once wait here, and one of them logs the ticket.
CREATE TABLE idempotency_keys (
    idempotency_key text PRIMARY KEY,
    -- SHA-256 of what was requested.
    content         bytea NOT NULL,
    ticket_id       text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED,
    at_ms           bigint NOT NULL
);
CREATE INDEX idempotency_keys_by_ticket ON idempotency_keys (ticket_id);

-- What departments have yet to see: one row a ticket and department, always the newest version.
CREATE TABLE pending_hand_overs (
    sequence      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department    text NOT NULL,
    ticket_id     text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    -- current, withdrawn
    kind          text NOT NULL,
    since_ms      bigint NOT NULL,
    -- Set aside by the bus until then, and why.
    not_before_ms bigint NOT NULL DEFAULT 0,
    refusals      bigint NOT NULL DEFAULT 0,
    error         text,
    UNIQUE (department, ticket_id)
);
CREATE INDEX pending_hand_overs_by_department ON pending_hand_overs (department, sequence);

CREATE TABLE tombstones (
    department text NOT NULL,
    ticket_id  text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    due_at_ms  bigint NOT NULL,
    PRIMARY KEY (department, ticket_id)
);
CREATE INDEX tombstones_by_due ON tombstones (department, due_at_ms);

-- Callbacks that the topic of calls has yet to see.
CREATE TABLE call_notices (
    sequence  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id text COLLATE "C" NOT NULL UNIQUE,
    identity  uuid NOT NULL,
    hotline   text NOT NULL,
    at_ms     bigint NOT NULL
);

-- The inbox: every reply that was settled, once for each id.
CREATE TABLE replies (
    department text NOT NULL,
    reply_id   text NOT NULL,
    ticket_id  text NOT NULL,
    at_ms      bigint NOT NULL,
    -- After an applied reply.
    state      text,
    version    bigint,
    -- Of a rejected reply.
    code       text,
    reason     text,
    PRIMARY KEY (department, reply_id)
);

-- Results that departments have yet to see.
CREATE TABLE pending_results (
    sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department text NOT NULL,
    reply_id   text NOT NULL,
    FOREIGN KEY (department, reply_id) REFERENCES replies (department, reply_id) ON DELETE CASCADE
);
CREATE INDEX pending_results_by_department ON pending_results (department, sequence);
CREATE INDEX pending_results_by_reply ON pending_results (department, reply_id);

CREATE TABLE reply_positions (
    topic_id  text NOT NULL,
    partition integer NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (topic_id, partition)
);

CREATE TABLE leases (
    name     text PRIMARY KEY,
    owner    text NOT NULL,
    until_ms bigint NOT NULL
);
