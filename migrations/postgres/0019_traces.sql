-- By which ids Microsoft finds the call behind an outcome; NULL where no call was made, or before this was kept.
ALTER TABLE outcomes ADD COLUMN request_id TEXT;
ALTER TABLE outcomes ADD COLUMN client_request_id UUID;
