-- Names of agents are taken out of calls when their time is over, long before the calls go. Those of before are looked
-- through once.
ALTER TABLE calls ADD COLUMN names_agents boolean NOT NULL DEFAULT true;
CREATE INDEX calls_naming_agents ON calls (received_at_ms) WHERE names_agents;
