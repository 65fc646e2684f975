-- Rejected items can be read again, and discarded.

ALTER TABLE rejected_items ADD COLUMN format TEXT NOT NULL DEFAULT '';   -- by which it can be read again
ALTER TABLE rejected_items ADD COLUMN context BLOB NOT NULL DEFAULT x''; -- what the format needs beside the payload
ALTER TABLE rejected_items ADD COLUMN row_key BLOB;                      -- of a row: digest, and number among equal rows
ALTER TABLE rejected_items ADD COLUMN discarded_at_ms INTEGER;
ALTER TABLE rejected_items ADD COLUMN discarded_by TEXT;
ALTER TABLE rejected_items ADD COLUMN discard_reason TEXT;
CREATE INDEX rejected_open ON rejected_items (source, field) WHERE discarded_at_ms IS NULL;
