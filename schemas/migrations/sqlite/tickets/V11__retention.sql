-- Tickets whose time is over are deleted whole, with all that refers to them.

CREATE INDEX idempotency_keys_by_ticket ON idempotency_keys (ticket_id);
CREATE INDEX replies_by_ticket ON replies (ticket_id);
CREATE INDEX tombstones_by_ticket ON tombstones (ticket_id);
CREATE INDEX pending_hand_overs_by_ticket ON pending_hand_overs (ticket_id);
CREATE INDEX pending_results_by_reply ON pending_results (department, reply_id);

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_tallies (
    run_id INTEGER NOT NULL,
    what   TEXT NOT NULL, -- the procedure
    items  INTEGER NOT NULL,
    PRIMARY KEY (run_id, what)
) WITHOUT ROWID;
