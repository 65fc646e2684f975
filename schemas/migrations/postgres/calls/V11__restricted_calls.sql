-- Calls that are kept and counted, but in no list until that is lifted (Art. 18 GDPR).

CREATE TABLE restricted_calls (
    identity uuid PRIMARY KEY,
    since_ms bigint NOT NULL
);
