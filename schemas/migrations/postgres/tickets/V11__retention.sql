-- Tickets whose time is over are deleted whole, with all that refers to them.

CREATE INDEX replies_by_ticket ON replies (ticket_id);
CREATE INDEX tombstones_by_ticket ON tombstones (ticket_id);
CREATE INDEX pending_hand_overs_by_ticket ON pending_hand_overs (ticket_id);

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_ticket_tallies (
    run_id bigint NOT NULL,
    what   text NOT NULL, -- the procedure
    items  bigint NOT NULL,
    PRIMARY KEY (run_id, what)
);
