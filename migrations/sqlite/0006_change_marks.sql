-- From where changes are read the next time, as JSON; a tenant without a row is read whole.
CREATE TABLE change_marks (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    body      TEXT NOT NULL
) STRICT;
