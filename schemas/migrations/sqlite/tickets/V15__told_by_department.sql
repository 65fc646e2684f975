-- What a department was told by right of citizens, and has not confirmed: its inbox lists it, the longest ago first.
CREATE INDEX ticket_recipients_of_department ON ticket_recipients (department, told_at_ms, ticket_id, told_of)
    WHERE confirmed_at_ms IS NULL;
