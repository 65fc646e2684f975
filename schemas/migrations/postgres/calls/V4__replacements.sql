-- A call may add nothing to the figures: its source has retracted it, or another feed counts for its hotline.
ALTER TABLE visits ADD COLUMN counted boolean NOT NULL DEFAULT true;

-- What imports that replace a period have brought, until they are finished.
CREATE TABLE confirmed_calls (
    run      text NOT NULL,
    identity uuid NOT NULL,
    at_ms    bigint NOT NULL,
    PRIMARY KEY (run, identity)
);
