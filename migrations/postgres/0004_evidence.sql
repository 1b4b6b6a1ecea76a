-- What an entry says of a person beyond ids: beside the body, which holds a salted hash of it, so that it can be erased
-- without breaking the chain.
ALTER TABLE journal ADD COLUMN details TEXT;
ALTER TABLE journal ADD COLUMN salt UUID;
-- When the personal data of a guest who is gone was erased.
ALTER TABLE guests ADD COLUMN erased_at TIMESTAMPTZ;
CREATE INDEX guests_gone ON guests (tenant_id, gone_at, erased_at) WHERE gone_at IS NOT NULL;
