-- From where changes are read the next time, as JSON; a tenant without a row is read whole.
CREATE TABLE change_marks (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    body      TEXT NOT NULL
) STRICT;

-- How far a reading under way has come, so that another process can go on with it.
CREATE TABLE reading_places (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    body      TEXT NOT NULL,
    -- the rows read so far, as a roaring bitmap
    seen      BLOB NOT NULL
) STRICT;
