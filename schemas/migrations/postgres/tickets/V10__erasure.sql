-- The planner keeps no samples of what is personal: rows are found by key, and a sample is one more copy. Setting the type
-- anew drops samples that were taken before.
ALTER TABLE tickets
    ALTER COLUMN request SET STATISTICS 0,
    ALTER COLUMN added SET STATISTICS 0,
    ALTER COLUMN phone_key SET STATISTICS 0,
    ALTER COLUMN name_key SET STATISTICS 0,
    ALTER COLUMN postal_code SET STATISTICS 0,
    ALTER COLUMN returned_because SET STATISTICS 0,
    ALTER COLUMN details SET STATISTICS 0;
ALTER TABLE tickets
    ALTER COLUMN request TYPE text,
    ALTER COLUMN added TYPE text,
    ALTER COLUMN phone_key TYPE text COLLATE "C",
    ALTER COLUMN name_key TYPE text COLLATE "C",
    ALTER COLUMN postal_code TYPE text,
    ALTER COLUMN returned_because TYPE text,
    ALTER COLUMN details TYPE text;
ALTER TABLE ticket_history ALTER COLUMN note SET STATISTICS 0;
ALTER TABLE ticket_history ALTER COLUMN note TYPE text;
ALTER TABLE ticket_marks ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE ticket_marks ALTER COLUMN key TYPE text COLLATE "C";
