-- Whom edits of the policy have newly affected without a person, since one accepted a policy last.
CREATE TABLE affected_guests (
    guest_key INTEGER NOT NULL PRIMARY KEY REFERENCES guests,
    tenant_id BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX affected_guests_by_tenant ON affected_guests (tenant_id);

-- How many others there were before the policy that waits, and whether nothing decides until it is accepted.
ALTER TABLE waiting_policies ADD COLUMN affected_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE waiting_policies ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
