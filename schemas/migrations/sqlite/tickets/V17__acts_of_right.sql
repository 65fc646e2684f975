-- Finds tickets that something was done with by right of a person.

CREATE INDEX history_acts_of_right ON history (at_ms)
    WHERE action IN ('rectified', 'restricted', 'restriction_lifted');
