-- Finds tickets that something was done with by right of a person.

CREATE INDEX ticket_history_acts_of_right ON ticket_history (at_ms)
    WHERE action IN ('rectified', 'restricted', 'restriction_lifted');
