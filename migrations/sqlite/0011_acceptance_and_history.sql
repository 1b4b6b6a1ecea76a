-- The policy that decides: the last one that was accepted, and by which version of deciding.
CREATE TABLE accepted_policies (
    tenant_id        BLOB NOT NULL PRIMARY KEY,
    hash             TEXT NOT NULL,
    text             TEXT NOT NULL,
    decision_version INTEGER NOT NULL,
    accepted_at      TEXT NOT NULL,
    -- nobody, when it was accepted without a person
    accepted_by      TEXT,
    reason           TEXT
) STRICT;

-- The policy that would decide if a person accepted it.
CREATE TABLE waiting_policies (
    tenant_id        BLOB NOT NULL PRIMARY KEY,
    hash             TEXT NOT NULL,
    decision_version INTEGER NOT NULL,
    affected         INTEGER NOT NULL,
    allowed          INTEGER NOT NULL,
    since            TEXT NOT NULL
) STRICT;

-- What a guest was like from a time on, until its next row: what facts of the past derive from. Written only when it
-- differs.
CREATE TABLE guest_states (
    guest_key INTEGER NOT NULL REFERENCES guests,
    since     TEXT NOT NULL,
    tenant_id BLOB NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (guest_key, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX guest_states_by_time ON guest_states (tenant_id, since);
