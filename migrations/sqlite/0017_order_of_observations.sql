-- Which observation came first where the clock did not tell: counted on for each tenant.
ALTER TABLE observations ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE observations SET number = numbered.number
FROM (
    SELECT observation_id, ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY started_at, observation_id) AS number
    FROM observations
) AS numbered
WHERE numbered.observation_id = observations.observation_id;
DROP INDEX observations_by_time;
CREATE INDEX observations_by_time ON observations (tenant_id, started_at, number);
