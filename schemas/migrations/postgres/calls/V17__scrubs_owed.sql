-- What was deleted beside orders to erase and runs of retention, whose last copies are still to be written over.

CREATE TABLE call_scrubs_owed (
    -- rejected_items
    what     TEXT PRIMARY KEY,
    -- When the first of it was deleted; NULL: nothing is owed.
    since_ms BIGINT,
    -- When the last of it was.
    last_ms  BIGINT NOT NULL,
    -- Counts deletions.
    edition  BIGINT NOT NULL
);
