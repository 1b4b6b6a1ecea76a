-- What those answerable for guests said of them. Rows are only ever added; that an answer was confirmed is noted later, and
-- erasing a guest blanks who and why. Not by the row: an answer outlives the row of a guest.
CREATE TABLE attestations (
    attestation_key INTEGER NOT NULL PRIMARY KEY,
    tenant_id       BLOB NOT NULL,
    guest_id        BLOB NOT NULL,
    -- keep or let-go
    answer          TEXT NOT NULL,
    -- link or command
    means           TEXT NOT NULL,
    said_at         TEXT NOT NULL,
    -- the last day for which it counts, such as 2027-03-31
    until_day       TEXT,
    sponsor_id      BLOB,
    said_by         TEXT NOT NULL,
    -- said_by as answers of one person are told from those of another
    person          TEXT NOT NULL,
    reason          TEXT NOT NULL,
    -- of an answer by link: the case that the notice was about
    case_id         BLOB,
    -- by which it was confirmed to its giver
    intent_id       BLOB
) STRICT;
CREATE INDEX attestations_by_guest ON attestations (tenant_id, guest_id);
