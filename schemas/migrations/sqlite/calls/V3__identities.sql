-- Which call an identity is. Identities are random: new ones collect in a small table, whose pages stay in memory, and
-- move to the large one many at a time and in order. So a commit does not touch a page of the large one for each call.
CREATE TABLE recent_identities (
    identity BLOB PRIMARY KEY,
    call_row INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE settled_identities (
    identity BLOB PRIMARY KEY,
    call_row INTEGER NOT NULL
) WITHOUT ROWID;

CREATE VIEW identities AS
    SELECT identity, call_row FROM recent_identities
    UNION ALL
    SELECT identity, call_row FROM settled_identities;

INSERT INTO settled_identities SELECT identity, call_row FROM calls ORDER BY identity;
DROP INDEX calls_by_identity;
