-- What a guest was given access to, besides the groups that the policy names. Each list is NULL until it was read.
CREATE TABLE guest_access (
    guest_key      BIGINT NOT NULL PRIMARY KEY REFERENCES guests,
    tenant_id      UUID NOT NULL,
    -- names of the directory roles that it may activate
    eligible_roles TEXT,
    -- its access packages, the last one that is over among them
    packages       TEXT,
    -- its roles in applications, and the number of its groups
    held           TEXT
);
CREATE INDEX guest_access_by_tenant ON guest_access (tenant_id, guest_key);

-- How the reading of a list went for which a tenant needs a licence: read, no-licence or refused.
CREATE TABLE registers (
    tenant_id UUID NOT NULL,
    register  TEXT NOT NULL,
    told      TEXT NOT NULL,
    asked_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, register)
);
