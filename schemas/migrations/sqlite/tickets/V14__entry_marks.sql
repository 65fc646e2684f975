-- What entries are found by beside their address, of whoever is named in them: personal, and absent where nothing is said.
-- Entries of before get theirs when the file is opened.
ALTER TABLE entries ADD COLUMN name_key TEXT;
ALTER TABLE entries ADD COLUMN phone_key TEXT;
CREATE INDEX entries_by_name ON entries (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX entries_by_phone ON entries (phone_key) WHERE phone_key IS NOT NULL;
INSERT INTO backfills (name) VALUES ('entry_marks');
