-- Since when an order that was through is open again: something came late to one of its places.
ALTER TABLE erasure_orders ADD COLUMN reopened_at_ms bigint;
