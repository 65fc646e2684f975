-- Calls that are kept and counted, but in no list until that is lifted (Art. 18 GDPR).

CREATE TABLE restricted_calls (
    identity BLOB PRIMARY KEY,
    since_ms INTEGER NOT NULL
) WITHOUT ROWID;
