-- The open tickets of a citizen who calls again are found by number in any spelling, or by name and postal code, and
-- take further concerns.

ALTER TABLE tickets ADD COLUMN added TEXT NOT NULL DEFAULT '[]'; -- JSON list of concerns of later calls: personal
ALTER TABLE tickets ADD COLUMN phone_key TEXT;   -- the number free of spelling: personal
ALTER TABLE tickets ADD COLUMN name_key TEXT;    -- the family name free of spelling: personal
ALTER TABLE tickets ADD COLUMN postal_code TEXT; -- as in the request

-- Only tickets that are owed an answer: these indexes stay as small as the work at hand, however old the store.
CREATE INDEX tickets_owed_by_phone ON tickets (phone_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'closed') AND phone_key IS NOT NULL;
CREATE INDEX tickets_owed_by_name ON tickets (name_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'closed') AND name_key IS NOT NULL;
CREATE INDEX tickets_owed_by_due ON tickets (due_at_ms, ticket_id) WHERE state NOT IN ('answered', 'closed');

-- Columns that are still to be filled for tickets from before they were there; the program does so at its start.
CREATE TABLE backfills (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO backfills (name) VALUES ('citizens');
