-- What people decided about guests. Not by the row: a decision outlives the row of a guest.
CREATE TABLE decisions (
    tenant_id  BLOB NOT NULL,
    guest_id   BLOB NOT NULL,
    -- exempt, hold or expire
    kind       TEXT NOT NULL,
    -- the day that it names, such as 2027-03-31
    day        TEXT,
    reason     TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, guest_id, kind)
) STRICT, WITHOUT ROWID;

-- The ends of projects that people set beside the policy.
CREATE TABLE projects (
    tenant_id BLOB NOT NULL,
    -- the group's id or name
    name_used TEXT NOT NULL,
    -- the last day, such as 2027-03-31
    ends_on   TEXT NOT NULL,
    set_by    TEXT NOT NULL,
    set_at    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name_used)
) STRICT, WITHOUT ROWID;

-- When a group expires.
ALTER TABLE named_groups ADD COLUMN expires_at TEXT;

-- What facts need besides. An attribute is kept with its name, since a policy can come to take another one.
ALTER TABLE guests ADD COLUMN creation_type TEXT;
ALTER TABLE guests ADD COLUMN external INTEGER;
ALTER TABLE guests ADD COLUMN attribute_name TEXT;
ALTER TABLE guests ADD COLUMN attribute_value TEXT;

-- The watch when a notice went out last that executed no stage.
ALTER TABLE cases ADD COLUMN reminded INTEGER;
