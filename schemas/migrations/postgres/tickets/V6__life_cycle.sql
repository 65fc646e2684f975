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
ALTER TABLE tickets ADD COLUMN settled_at_ms bigint;
UPDATE tickets SET settled_at_ms = changed_at_ms WHERE state IN ('answered', 'closed');
CREATE INDEX tickets_settled_by_phone ON tickets (phone_key, created_at_ms, ticket_id)
    WHERE settled_at_ms IS NOT NULL AND phone_key IS NOT NULL;
CREATE INDEX tickets_settled_by_name ON tickets (name_key, created_at_ms, ticket_id)
    WHERE settled_at_ms IS NOT NULL AND name_key IS NOT NULL;

-- A ticket may belong to several calls: one notice each.
ALTER TABLE call_notices DROP CONSTRAINT call_notices_ticket_id_key;
ALTER TABLE call_notices ADD UNIQUE (ticket_id, identity);
