-- What was written into attributes of guests and not cleared yet: for which case, and the very text. It outlives the case
-- until it is cleared.
CREATE TABLE marks (
    tenant_id  BLOB NOT NULL,
    guest_key  INTEGER NOT NULL REFERENCES guests,
    attribute  TEXT NOT NULL,
    case_id    BLOB NOT NULL,
    rule       TEXT NOT NULL,
    stage      INTEGER NOT NULL,
    value      TEXT NOT NULL,
    written_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, guest_key, attribute, case_id)
) STRICT, WITHOUT ROWID;
