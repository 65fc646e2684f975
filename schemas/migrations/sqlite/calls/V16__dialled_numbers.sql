-- Calls that the house made are found by the number that it dialled.

ALTER TABLE calls ADD COLUMN dialled_key TEXT; -- what the house dialled, free of spelling; null for calls that came in
CREATE INDEX calls_by_dialled ON calls (dialled_key) WHERE dialled_key IS NOT NULL;
INSERT INTO backfills (name) VALUES ('dialled_key');
