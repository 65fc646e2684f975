-- What a run of retention deleted from, and whether nothing of that is left in files: JSON list.
ALTER TABLE retention_runs ADD COLUMN rewritten text NOT NULL DEFAULT '[]';

-- What stays of entries of the audit trail that were cut: a few bytes of the hash of each, so that a head that was noted
-- earlier is still known. They say nothing of what the entries said.
CREATE TABLE audit_cut_parts (
    last_number bigint PRIMARY KEY,
    cut_at_ms   bigint NOT NULL,
    heads       bytea NOT NULL, -- eight bytes for each entry, in their order
    digest      bytea NOT NULL  -- of all heads up to here; it stands in the entry that notes the cut
);
