-- Entries: who has registered for an offer (a newsletter, an event) with a procedure that makes no tickets. Times are
-- milliseconds since 1970.

CREATE TABLE entries (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Random, 32 hexadecimal digits, as are registrations.
    entry_id        TEXT NOT NULL UNIQUE,
    -- The form that it came with.
    registration_id TEXT NOT NULL,
    procedure       TEXT NOT NULL,
    offer           TEXT NOT NULL,
    -- Tells persons apart within an offer: personal.
    person_key      TEXT NOT NULL,
    -- Free of spelling: personal.
    email_key       TEXT NOT NULL,
    -- pending, confirmed
    state           TEXT NOT NULL,
    -- Object of texts: personal.
    fields          TEXT NOT NULL,
    consented_at_ms INTEGER NOT NULL,
    confirmed_at_ms INTEGER,
    -- When it is gone unless it is confirmed; NULL once it is.
    expires_at_ms   INTEGER,
    -- When a mail about it was last asked for.
    told_at_ms      INTEGER NOT NULL,
    UNIQUE (procedure, offer, person_key)
);
CREATE INDEX entries_by_registration ON entries (registration_id);
CREATE INDEX entries_by_email ON entries (email_key, procedure);
CREATE INDEX entries_by_expiry ON entries (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- Mails about entries that wait: to whoever registered, or to a department about an offer.
CREATE TABLE entry_mails (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- registration, reminder
    kind          TEXT NOT NULL,
    -- The registration, or the offer.
    subject       TEXT NOT NULL,
    -- Counts the news, so that the same ones have the same Message-ID.
    edition       INTEGER NOT NULL,
    procedure     TEXT NOT NULL,
    -- Empty for reminders: personal.
    email_key     TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    error         TEXT,
    UNIQUE (kind, procedure, subject)
);
CREATE INDEX entry_mails_by_email ON entry_mails (email_key);

-- What became of offers; what is left of one whose entries were erased is a count.
CREATE TABLE entry_offers (
    procedure      TEXT NOT NULL,
    offer          TEXT NOT NULL,
    reminded_at_ms INTEGER,
    exported_at_ms INTEGER,
    erased         INTEGER NOT NULL DEFAULT 0,
    erased_at_ms   INTEGER,
    PRIMARY KEY (procedure, offer)
) WITHOUT ROWID;
