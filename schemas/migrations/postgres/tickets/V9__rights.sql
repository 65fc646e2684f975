-- Rights of data subjects: tickets of a person are found whatever their state, can be restricted, and their recipients are
-- told.

-- What a ticket is found by.
CREATE TABLE ticket_marks (
    -- phone, email, name
    kind      text COLLATE "C" NOT NULL,
    -- Free of spelling: personal.
    key       text COLLATE "C" NOT NULL,
    ticket_id text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    PRIMARY KEY (kind, key, ticket_id)
);
CREATE INDEX ticket_marks_by_ticket ON ticket_marks (ticket_id);
INSERT INTO ticket_backfills (name) VALUES ('marks');

-- Kept, but in no list until it is lifted (Art. 18 GDPR).
ALTER TABLE tickets ADD COLUMN restricted boolean NOT NULL DEFAULT false;
CREATE INDEX tickets_restricted ON tickets (created_at_ms, ticket_id) WHERE restricted;

-- Departments that were told of a rectification, a restriction or an erasure (Art. 19 GDPR), and have confirmed it or not.
CREATE TABLE ticket_recipients (
    ticket_id       text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    department      text COLLATE "C" NOT NULL,
    -- rectified, restricted, erased
    told_of         text COLLATE "C" NOT NULL,
    told_at_ms      bigint NOT NULL,
    confirmed_at_ms bigint,
    -- department, data_protection
    confirmed_by    text,
    PRIMARY KEY (ticket_id, department, told_of)
);
CREATE INDEX ticket_recipients_waiting ON ticket_recipients (told_at_ms, ticket_id, department, told_of)
    WHERE confirmed_at_ms IS NULL;
CREATE INDEX ticket_recipients_by_time ON ticket_recipients (told_at_ms, ticket_id, department, told_of);
