-- Mails to departments without Kafka: one row a ticket and department, always with the newest version.

CREATE TABLE pending_mails (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department    text NOT NULL,
    ticket_id     text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    version       bigint NOT NULL,
    -- current, withdrawn
    kind          text NOT NULL,
    since_ms      bigint NOT NULL,
    -- Put off by the mail server until then, and why.
    not_before_ms bigint NOT NULL DEFAULT 0,
    attempts      bigint NOT NULL DEFAULT 0,
    error         text,
    -- Refused for good, or come back: sent again only when somebody says so.
    failed_at_ms  bigint,
    UNIQUE (ticket_id, department)
);
CREATE INDEX pending_mails_in_order ON pending_mails (department, number) WHERE failed_at_ms IS NULL;
