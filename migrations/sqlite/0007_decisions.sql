-- What people decided about guests. Not by the row: a decision outlives the row of a guest.
CREATE TABLE decisions (
    tenant_id  BLOB NOT NULL,
    guest_id   BLOB NOT NULL,
    -- exempt or hold
    kind       TEXT NOT NULL,
    -- the day that it names, such as 2027-03-31
    day        TEXT,
    reason     TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, guest_id, kind)
) STRICT, WITHOUT ROWID;
