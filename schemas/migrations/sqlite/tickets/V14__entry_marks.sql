-- What entries are found by beside their address, of whoever is named in them: personal, and absent where nothing is said.
-- Entries of before get theirs when the file is opened.
ALTER TABLE entries ADD COLUMN name_key TEXT;
ALTER TABLE entries ADD COLUMN phone_key TEXT;
CREATE INDEX entries_by_name ON entries (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX entries_by_phone ON entries (phone_key) WHERE phone_key IS NOT NULL;
INSERT INTO backfills (name) VALUES ('entry_marks');

-- Mails to citizens about appointments by video that wait: one a ticket, with the newest news. Address and link are in the
-- ticket alone.
CREATE TABLE citizen_mails (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket_id     TEXT NOT NULL UNIQUE REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    -- Counts the news, so that the same ones have the same Message-ID.
    edition       INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    error         TEXT
);
