-- How many guests edits have newly affected without a person, since one accepted a policy last.
ALTER TABLE accepted_policies ADD COLUMN affected BIGINT NOT NULL DEFAULT 0;

-- The same, before the policy that waits.
ALTER TABLE waiting_policies ADD COLUMN affected_before BIGINT NOT NULL DEFAULT 0;
-- Nothing decides until it is accepted.
ALTER TABLE waiting_policies ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
