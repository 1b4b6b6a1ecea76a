-- Who answers for a guest beside its sponsors.

-- The directory has them no more; what is known is from before.
ALTER TABLE sponsors ADD COLUMN departed BOOLEAN NOT NULL DEFAULT FALSE;

-- Sponsors that a guest had and has no more, until it is known whether somebody took them off.
CREATE TABLE former_sponsors (
    guest_key  BIGINT NOT NULL REFERENCES guests,
    sponsor_id UUID NOT NULL,
    tenant_id  UUID NOT NULL,
    PRIMARY KEY (guest_key, sponsor_id)
);

-- Managers of users; a user without one has a row without one.
CREATE TABLE managers (
    tenant_id  UUID NOT NULL,
    user_id    UUID NOT NULL,
    manager_id UUID,
    PRIMARY KEY (tenant_id, user_id)
);

-- Who invited a guest, as the audit log said before it forgot.
CREATE TABLE inviters (
    guest_key  BIGINT NOT NULL PRIMARY KEY REFERENCES guests,
    tenant_id  UUID NOT NULL,
    -- null for an application
    inviter_id UUID,
    invited_at TIMESTAMPTZ NOT NULL
);

-- Up to when the audit log was read.
CREATE TABLE audit_marks (
    tenant_id  UUID NOT NULL PRIMARY KEY,
    read_until TIMESTAMPTZ NOT NULL
);

-- Whether the policy's sponsor group could be read, in a tenant whose policy names one; and everybody in it.
CREATE TABLE sponsor_groups (
    tenant_id UUID NOT NULL PRIMARY KEY,
    known     BOOLEAN NOT NULL
);
CREATE TABLE sponsor_group_members (
    tenant_id UUID NOT NULL,
    member_id UUID NOT NULL,
    -- the last reading did not have it, and the one before did
    missing   BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (tenant_id, member_id)
);
