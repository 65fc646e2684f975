-- Replies about tickets of which nothing is kept any more, or that are not known: what they say is still on the topic of the
-- department. One row a department and ticket, until it was taken off the topic, or no order is found that erased the ticket.
CREATE TABLE stray_replies (
    -- A further reply has another one.
    sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department text NOT NULL,
    ticket_id  text COLLATE "C" NOT NULL,
    UNIQUE (department, ticket_id)
);
