-- Tickets end as unreachable or withdrawn too, come back for a while, and can be erased.

DROP INDEX tickets_owed_by_phone;
DROP INDEX tickets_owed_by_name;
DROP INDEX tickets_owed_by_due;
-- Only tickets that are owed an answer: these indexes stay as small as the work at hand, however old the store.
CREATE INDEX tickets_owed_by_phone ON tickets (phone_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased') AND phone_key IS NOT NULL;
CREATE INDEX tickets_owed_by_name ON tickets (name_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased') AND name_key IS NOT NULL;
CREATE INDEX tickets_owed_by_due ON tickets (due_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased');

-- Since when no answer is owed: tickets of a citizen that can be reopened are found by it.
ALTER TABLE tickets ADD COLUMN settled_at_ms INTEGER;
UPDATE tickets SET settled_at_ms = changed_at_ms WHERE state IN ('answered', 'closed');
CREATE INDEX tickets_settled_by_phone ON tickets (phone_key, created_at_ms, ticket_id)
    WHERE settled_at_ms IS NOT NULL AND phone_key IS NOT NULL;
CREATE INDEX tickets_settled_by_name ON tickets (name_key, created_at_ms, ticket_id)
    WHERE settled_at_ms IS NOT NULL AND name_key IS NOT NULL;

-- A ticket may belong to several calls: one notice each.
CREATE TABLE call_notices_new (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket_id TEXT NOT NULL,
    identity  BLOB NOT NULL,
    hotline   TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    UNIQUE (ticket_id, identity)
);
INSERT INTO call_notices_new SELECT sequence, ticket_id, identity, hotline, at_ms FROM call_notices;
DROP TABLE call_notices;
ALTER TABLE call_notices_new RENAME TO call_notices;
