-- Users, their sessions, attempts to sign in, and the audit trail. Times are milliseconds since 1970.

CREATE TABLE users (
    name               TEXT PRIMARY KEY,
    shown_name         TEXT NOT NULL,
    -- Names of roles with commas between.
    roles              TEXT NOT NULL,
    department         TEXT,
    agent              TEXT,
    disabled           INTEGER NOT NULL,
    -- A PHC string; NULL: the provider alone knows the user.
    password_hash      TEXT,
    -- The password is one that somebody else knows.
    first_password     INTEGER NOT NULL,
    openid_subject     TEXT UNIQUE,
    created_at_ms      INTEGER NOT NULL,
    last_sign_in_at_ms INTEGER,
    revision           INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
    -- SHA-256 of the token.
    token_hash    BLOB PRIMARY KEY,
    user_name     TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    seen_at_ms    INTEGER NOT NULL,
    ends_at_ms    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_name, seen_at_ms);
CREATE INDEX sessions_by_sight ON sessions (seen_at_ms);

CREATE TABLE failed_attempts (
    -- client, name
    kind       TEXT NOT NULL,
    -- SHA-256 of the address, or of the name that was tried.
    key        BLOB NOT NULL,
    failures   INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX failed_attempts_by_time ON failed_attempts (last_at_ms);

-- Who has seen or done what; nothing about citizens. Numbered without gaps, each row chained to the one before.
CREATE TABLE audit_entries (
    number       INTEGER PRIMARY KEY,
    at_ms        INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    roles        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    items        INTEGER NOT NULL,
    -- SHA-256 over the hash of the row before and this one.
    hash         BLOB NOT NULL
);
CREATE INDEX audit_entries_by_actor ON audit_entries (actor, number);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject, number);
CREATE INDEX audit_entries_by_action ON audit_entries (action, number);
CREATE INDEX audit_entries_by_time ON audit_entries (at_ms, number);
