-- The open tickets of a citizen who calls again are found by number in any spelling, or by name and postal code, and
-- take further concerns.

ALTER TABLE tickets ADD COLUMN added text NOT NULL DEFAULT '[]'; -- JSON list of concerns of later calls: personal
ALTER TABLE tickets ADD COLUMN phone_key text COLLATE "C"; -- the number free of spelling: personal
ALTER TABLE tickets ADD COLUMN name_key text COLLATE "C";  -- the family name free of spelling: personal
ALTER TABLE tickets ADD COLUMN postal_code text;           -- as in the request

-- Only tickets that are owed an answer: these indexes stay as small as the work at hand, however old the store.
CREATE INDEX tickets_owed_by_phone ON tickets (phone_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'closed') AND phone_key IS NOT NULL;
CREATE INDEX tickets_owed_by_name ON tickets (name_key, created_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'closed') AND name_key IS NOT NULL;
CREATE INDEX tickets_owed_by_due ON tickets (due_at_ms, ticket_id) WHERE state NOT IN ('answered', 'closed');

-- Columns that are still to be filled for tickets from before they were there; `up` does so after the migration.
CREATE TABLE ticket_backfills (
    name text PRIMARY KEY
);
INSERT INTO ticket_backfills (name) VALUES ('citizens');
