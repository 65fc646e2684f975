-- What entries are found by beside their address, of whoever is named in them: personal, and absent where nothing is said.
-- Entries of before get theirs when the tables are brought up to date.
ALTER TABLE entries
    ADD COLUMN name_key text COLLATE "C",
    ADD COLUMN phone_key text COLLATE "C";
CREATE INDEX entries_by_name ON entries (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX entries_by_phone ON entries (phone_key) WHERE phone_key IS NOT NULL;
INSERT INTO ticket_backfills (name) VALUES ('entry_marks');

-- The planner keeps no samples of what is personal. Setting the type anew drops samples that were taken before.
ALTER TABLE entries
    ALTER COLUMN person_key SET STATISTICS 0,
    ALTER COLUMN email_key SET STATISTICS 0,
    ALTER COLUMN fields SET STATISTICS 0,
    ALTER COLUMN name_key SET STATISTICS 0,
    ALTER COLUMN phone_key SET STATISTICS 0;
ALTER TABLE entries
    ALTER COLUMN person_key TYPE text COLLATE "C",
    ALTER COLUMN email_key TYPE text COLLATE "C",
    ALTER COLUMN fields TYPE text COLLATE "C";
ALTER TABLE entry_mails
    ALTER COLUMN email_key SET STATISTICS 0,
    ALTER COLUMN recipient SET STATISTICS 0;
ALTER TABLE entry_mails
    ALTER COLUMN email_key TYPE text COLLATE "C",
    ALTER COLUMN recipient TYPE text COLLATE "C";

-- Mails to citizens about appointments by video that wait: one a ticket, with the newest news. Address and link are in the
-- ticket alone.
CREATE TABLE citizen_mails (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id     text COLLATE "C" NOT NULL UNIQUE REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    -- Counts the news, so that the same ones have the same Message-ID.
    edition       bigint NOT NULL,
    not_before_ms bigint NOT NULL DEFAULT 0,
    attempts      bigint NOT NULL DEFAULT 0,
    error         text
);
