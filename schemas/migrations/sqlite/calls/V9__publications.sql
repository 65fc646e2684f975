-- What is published of the figures: who does it, and how far it has come. Lease and position are one row, so that only
-- the owner moves the position.
CREATE TABLE publications (
    name     TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    until_ms INTEGER NOT NULL, -- by the owner's clock; 0: given back
    topic_id TEXT,             -- the incarnation of the topic; NULL: nothing was published yet
    version  TEXT,             -- the state of the figures up to which changes were published
    filling  INTEGER           -- the quarter-hour from which on everything is yet to be published; NULL: nothing
) WITHOUT ROWID;
