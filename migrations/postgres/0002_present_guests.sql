-- Guests that are in the directory, by row: what every cycle walks through, tenant by tenant. Without it a page costs
-- as much as the whole tenant.
CREATE INDEX guests_present ON guests (tenant_id, guest_key) WHERE gone_at IS NULL;
