-- Tickets of every procedure of the register; those from before there were any are callback requests. Of a concern that
-- did not come by phone the hotline is empty.

ALTER TABLE tickets ADD COLUMN procedure text NOT NULL DEFAULT 'callback';
CREATE INDEX tickets_by_procedure ON tickets (procedure, created_at_ms, ticket_id);
