-- Mails to departments without Kafka: one row a ticket and department, always with the newest version.

CREATE TABLE pending_mails (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    department    TEXT NOT NULL,
    ticket_id     TEXT NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    -- current, withdrawn
    kind          TEXT NOT NULL,
    since_ms      INTEGER NOT NULL,
    -- Put off by the mail server until then, and why.
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    error         TEXT,
    -- Refused for good, or come back: sent again only when somebody says so.
    failed_at_ms  INTEGER,
    UNIQUE (ticket_id, department)
);
CREATE INDEX pending_mails_in_order ON pending_mails (department, number) WHERE failed_at_ms IS NULL;
