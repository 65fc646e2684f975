-- Lists of tickets for departments and supervisors: a page of each is read from an index, however many tickets there are.

CREATE INDEX tickets_owed_by_department ON tickets (department, due_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased');
-- All alarms were raised: somebody else than the department was told.
CREATE INDEX tickets_owed_escalated ON tickets (due_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased') AND next_alarm IS NULL;
CREATE INDEX tickets_owed_returned ON tickets (due_at_ms, ticket_id)
    WHERE state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased') AND returned_by <> '[]';
CREATE INDEX tickets_by_state_and_creation ON tickets (state, created_at_ms, ticket_id);
CREATE INDEX tickets_of_department_by_state ON tickets (department, state, created_at_ms, ticket_id);
