-- A call may add nothing to the figures: its source has retracted it, or another feed counts for its hotline.
ALTER TABLE visits ADD COLUMN counted INTEGER NOT NULL DEFAULT 1;

-- What imports that replace a period have brought, until they are finished.
CREATE TABLE confirmed_calls (
    run      TEXT NOT NULL,
    identity BLOB NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (run, identity)
) WITHOUT ROWID;
