-- What is past is looked for by its first reception, which comes in order: of a store that deletes every night there is little.
CREATE INDEX calls_by_reception ON calls (received_at_ms);
