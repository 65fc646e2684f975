-- Users, their sessions, attempts to sign in, and the audit trail. Times are milliseconds since 1970.

CREATE TABLE users (
    name               text COLLATE "C" PRIMARY KEY,
    shown_name         text NOT NULL,
    -- Names of roles with commas between.
    roles              text NOT NULL,
    department         text,
    agent              text,
    disabled           boolean NOT NULL,
    -- A PHC string; NULL: the provider alone knows the user.
    password_hash      text,
    -- The password is one that somebody else knows.
    first_password     boolean NOT NULL,
    openid_subject     text UNIQUE,
    created_at_ms      bigint NOT NULL,
    last_sign_in_at_ms bigint,
    revision           bigint NOT NULL
);

CREATE TABLE sessions (
    -- SHA-256 of the token.
    token_hash    bytea PRIMARY KEY,
    user_name     text COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at_ms bigint NOT NULL,
    seen_at_ms    bigint NOT NULL,
    ends_at_ms    bigint NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_name, seen_at_ms);
CREATE INDEX sessions_by_sight ON sessions (seen_at_ms);

CREATE TABLE failed_attempts (
    -- client, name
    kind       text COLLATE "C" NOT NULL,
    -- SHA-256 of the address, or of the name that was tried.
    key        bytea NOT NULL,
    failures   bigint NOT NULL,
    last_at_ms bigint NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX failed_attempts_by_time ON failed_attempts (last_at_ms);

-- Who has seen or done what; nothing about citizens. Numbered without gaps, each row chained to the one before.
CREATE TABLE audit_entries (
    number       bigint PRIMARY KEY,
    at_ms        bigint NOT NULL,
    actor        text NOT NULL,
    roles        text NOT NULL,
    action       text NOT NULL,
    subject_kind text NOT NULL,
    subject      text NOT NULL,
    reason       text NOT NULL,
    items        bigint NOT NULL,
    -- SHA-256 over the hash of the row before and this one.
    hash         bytea NOT NULL
);
CREATE INDEX audit_entries_by_actor ON audit_entries (actor, number);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject, number);
CREATE INDEX audit_entries_by_action ON audit_entries (action, number);
CREATE INDEX audit_entries_by_time ON audit_entries (at_ms, number);

-- The end of the chain: one row, and the lock of all who append.
CREATE TABLE audit_head (
    is_head boolean PRIMARY KEY DEFAULT true CHECK (is_head),
    number  bigint NOT NULL,
    hash    bytea NOT NULL
);
INSERT INTO audit_head (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));
