-- What was deleted beside orders to erase and runs of retention, whose last copies are still to be written over; and
-- entries of registrations that are restricted.

CREATE TABLE ticket_scrubs_owed (
    -- entries, tickets
    what     TEXT PRIMARY KEY,
    -- When the first of it was deleted; NULL: nothing is owed.
    since_ms INTEGER,
    -- When the last of it was.
    last_ms  INTEGER NOT NULL,
    -- Counts deletions.
    edition  INTEGER NOT NULL
) WITHOUT ROWID;

-- Since when nobody works with it (Art. 18 GDPR); NULL: it is not restricted.
ALTER TABLE entries ADD COLUMN restricted_at_ms INTEGER;
CREATE INDEX entries_restricted ON entries (entry_id) WHERE restricted_at_ms IS NOT NULL;
