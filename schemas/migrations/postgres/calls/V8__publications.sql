-- What is published of the figures: who does it, and how far it has come. Lease and position are one row, so that only
-- the owner moves the position.
CREATE TABLE publications (
    name     text PRIMARY KEY,
    owner    text NOT NULL,
    until_ms bigint NOT NULL, -- by the owner's clock; 0: given back
    topic_id text,            -- the incarnation of the topic; NULL: nothing was published yet
    version  text,            -- the state of the figures up to which changes were published
    filling  bigint           -- the quarter-hour from which on everything is yet to be published; NULL: nothing
);
