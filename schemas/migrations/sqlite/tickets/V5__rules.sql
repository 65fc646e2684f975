-- Every version of the rules (departments, hotlines, routing, procedures) that was ever applied; the newest is in force.

CREATE TABLE rules (
    version       INTEGER PRIMARY KEY,
    applied_at_ms INTEGER NOT NULL,
    applied_by    TEXT NOT NULL,
    note          TEXT NOT NULL,
    -- SHA-256 of the documents.
    digest        BLOB NOT NULL,
    -- JSON object: texts by name.
    documents     TEXT NOT NULL
);
CREATE INDEX rules_by_digest ON rules (digest);

-- JSON object: what nobody searches by, such as the version of the rules that chose the department.
ALTER TABLE tickets ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
