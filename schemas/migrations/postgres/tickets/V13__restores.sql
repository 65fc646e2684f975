-- Restores: the topics of departments may hold what this store does not know, until they were compared.

CREATE TABLE restores (
    restored_at_ms bigint PRIMARY KEY,
    made_at_ms     bigint NOT NULL, -- when the state was taken
    backup         text NOT NULL
);

-- The restore up to which the topic of a department was compared.
CREATE TABLE checked_topics (
    department     text PRIMARY KEY,
    restored_at_ms bigint NOT NULL
);
