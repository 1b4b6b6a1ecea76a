-- What people decided about guests. Not by the row: a decision outlives the row of a guest.
CREATE TABLE decisions (
    tenant_id  UUID NOT NULL,
    guest_id   UUID NOT NULL,
    -- exempt or hold
    kind       TEXT NOT NULL,
    -- the day that it names, such as 2027-03-31
    day        TEXT,
    reason     TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, guest_id, kind)
);

-- The ends of projects that people set beside the policy.
CREATE TABLE projects (
    tenant_id UUID NOT NULL,
    -- the group's id or name
    name_used TEXT NOT NULL,
    -- the last day, such as 2027-03-31
    ends_on   TEXT NOT NULL,
    set_by    TEXT NOT NULL,
    set_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, name_used)
);

-- When a group expires.
ALTER TABLE named_groups ADD COLUMN expires_at TIMESTAMPTZ;
