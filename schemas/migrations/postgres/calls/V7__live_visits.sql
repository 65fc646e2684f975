-- Where a visit that is not over stands: 1 queued, 2 ringing, 3 talking, 4 on hold, 5 after-call work.
ALTER TABLE visits ADD COLUMN phase smallint;
ALTER TABLE visits ADD COLUMN phase_since_ms bigint;
ALTER TABLE visits ADD COLUMN phase_agent text;       -- who rings, talks or works on it
-- As small as what goes on now.
CREATE INDEX visits_live ON visits (phase_since_ms) WHERE phase IS NOT NULL;
-- Those that talk are known again from their next event on.
UPDATE visits SET phase = 1, phase_since_ms = offered_at_ms WHERE outcome = 1;
