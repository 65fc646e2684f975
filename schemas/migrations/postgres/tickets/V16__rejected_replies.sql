-- Replies that were rejected: those to tickets that are not known are kept as long as rejected reports.
CREATE INDEX replies_rejected ON replies (at_ms) WHERE code IS NOT NULL;
