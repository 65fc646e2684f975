-- What data subjects ask for by right, as cases.

CREATE TABLE cases (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Whether nobody has decided it.
    is_open         INTEGER NOT NULL,
    -- YYYY-MM-DD
    due_on          TEXT NOT NULL,
    -- Counts the changes.
    revision        INTEGER NOT NULL,
    -- JSON object. Of the person keyed hashes and numbers of tickets alone.
    content         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    -- SHA-256 of what was requested.
    requested       BLOB NOT NULL
);
CREATE INDEX cases_open ON cases (due_on, number) WHERE is_open = 1;

-- By what cases are found: keyed hashes of what persons are known by.
CREATE TABLE case_marks (
    mark   TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
    PRIMARY KEY (mark, number)
) WITHOUT ROWID;
