-- The planner keeps no samples of what is personal: rows are found by key, and a sample is one more copy. Setting the type
-- anew drops samples that were taken before.
ALTER TABLE calls
    ALTER COLUMN caller SET STATISTICS 0,
    ALTER COLUMN caller_key SET STATISTICS 0,
    ALTER COLUMN dialled_address SET STATISTICS 0,
    ALTER COLUMN doubts SET STATISTICS 0,
    ALTER COLUMN more SET STATISTICS 0;
ALTER TABLE calls
    ALTER COLUMN caller TYPE text,
    ALTER COLUMN caller_key TYPE text,
    ALTER COLUMN dialled_address TYPE text,
    ALTER COLUMN doubts TYPE text,
    ALTER COLUMN more TYPE bytea;
ALTER TABLE rejected_items
    ALTER COLUMN payload SET STATISTICS 0,
    ALTER COLUMN context SET STATISTICS 0;
ALTER TABLE rejected_items
    ALTER COLUMN payload TYPE bytea,
    ALTER COLUMN context TYPE bytea;
