-- Who answers for a guest beside its sponsors.

-- The directory has them no more; what is known is from before.
ALTER TABLE sponsors ADD COLUMN departed INTEGER NOT NULL DEFAULT FALSE;

-- Sponsors that a guest had and has no more, until it is known whether somebody took them off.
CREATE TABLE former_sponsors (
    guest_key  INTEGER NOT NULL REFERENCES guests,
    sponsor_id BLOB NOT NULL,
    tenant_id  BLOB NOT NULL,
    PRIMARY KEY (guest_key, sponsor_id)
) STRICT, WITHOUT ROWID;

-- Managers of users; a user without one has a row without one.
CREATE TABLE managers (
    tenant_id  BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    manager_id BLOB,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

-- Who invited a guest, as the audit log said before it forgot.
CREATE TABLE inviters (
    guest_key  INTEGER NOT NULL PRIMARY KEY REFERENCES guests,
    tenant_id  BLOB NOT NULL,
    -- null for an application
    inviter_id BLOB,
    invited_at TEXT NOT NULL
) STRICT;

-- Up to when the audit log was read.
CREATE TABLE audit_marks (
    tenant_id  BLOB NOT NULL PRIMARY KEY,
    read_until TEXT NOT NULL
) STRICT;

-- Whether the policy's sponsor group could be read, in a tenant whose policy names one; and everybody in it.
CREATE TABLE sponsor_groups (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    known     INTEGER NOT NULL
) STRICT;
CREATE TABLE sponsor_group_members (
    tenant_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    -- the last reading did not have it, and the one before did
    missing   INTEGER NOT NULL DEFAULT FALSE,
    PRIMARY KEY (tenant_id, member_id)
) STRICT, WITHOUT ROWID;
