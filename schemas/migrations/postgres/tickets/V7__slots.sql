-- Booked slots: one row a seat, so that no seat is taken twice. Freed when the ticket ends or goes elsewhere.

CREATE TABLE booked_slots (
    department text NOT NULL,
    -- Its name free of capitals.
    service    text NOT NULL,
    -- When the slot begins.
    at_ms      bigint NOT NULL,
    -- From 0.
    seat       bigint NOT NULL,
    ticket_id  text COLLATE "C" NOT NULL REFERENCES tickets (ticket_id) ON DELETE CASCADE,
    PRIMARY KEY (department, service, at_ms, seat)
);
CREATE INDEX booked_slots_by_ticket ON booked_slots (ticket_id);

-- What is to be said next of the due time: due_soon, overdue, escalated; NULL when nothing is owed or all was said.
ALTER TABLE tickets ADD COLUMN next_alarm text;
UPDATE tickets SET next_alarm = 'due_soon'
    WHERE state IN ('open', 'handed_over', 'accepted', 'callback_attempted');
CREATE INDEX tickets_by_next_alarm ON tickets (next_alarm, due_at_ms, ticket_id) WHERE next_alarm IS NOT NULL;
