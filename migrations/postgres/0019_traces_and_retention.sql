-- By which ids Microsoft finds the call behind an outcome; NULL where no call was made, or before this was kept.
ALTER TABLE outcomes ADD COLUMN request_id TEXT;
ALTER TABLE outcomes ADD COLUMN client_request_id UUID;

-- How many closed cases of a guest were let go of: they count as previous ones all the same.
ALTER TABLE guests ADD COLUMN cases_let_go BIGINT NOT NULL DEFAULT 0;
CREATE INDEX cases_closed ON cases (tenant_id, closed_at) WHERE closed_at IS NOT NULL;
