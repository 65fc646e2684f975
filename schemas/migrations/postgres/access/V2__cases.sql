-- What data subjects ask for by right, as cases.

CREATE TABLE cases (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whether nobody has decided it.
    is_open         boolean NOT NULL,
    -- YYYY-MM-DD
    due_on          text COLLATE "C" NOT NULL,
    -- Counts the changes.
    revision        bigint NOT NULL,
    -- JSON object. Of the person keyed hashes and numbers of tickets alone.
    content         text NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL UNIQUE,
    -- SHA-256 of what was requested.
    requested       bytea NOT NULL
);
CREATE INDEX cases_open ON cases (due_on, number) WHERE is_open;

-- By what cases are found: keyed hashes of what persons are known by.
CREATE TABLE case_marks (
    mark   text COLLATE "C" NOT NULL,
    number bigint NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
    PRIMARY KEY (mark, number)
);
