-- Rejected items can be read again, and discarded.

ALTER TABLE rejected_items
    ADD COLUMN format          text  NOT NULL DEFAULT '', -- by which it can be read again
    ADD COLUMN context         bytea NOT NULL DEFAULT '', -- what the format needs beside the payload
    ADD COLUMN row_key         bytea,                     -- of a row: digest, and number among equal rows
    ADD COLUMN discarded_at_ms bigint,
    ADD COLUMN discarded_by    text,
    ADD COLUMN discard_reason  text;
CREATE INDEX rejected_open ON rejected_items (source, field) WHERE discarded_at_ms IS NULL;
