-- Every version of the rules (departments, hotlines, routing, procedures) that was ever applied; the newest is in force.

CREATE TABLE rules (
    version       integer PRIMARY KEY,
    applied_at_ms bigint NOT NULL,
    applied_by    text NOT NULL,
    note          text NOT NULL,
    digest        bytea NOT NULL, -- SHA-256 of the documents
    documents     text NOT NULL   -- JSON object: texts by name
);
CREATE INDEX rules_by_digest ON rules (digest);

-- JSON object: what nobody searches by, such as the version of the rules that chose the department.
ALTER TABLE tickets ADD COLUMN details text NOT NULL DEFAULT '{}';
