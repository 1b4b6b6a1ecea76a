-- What a guest had before it was disabled or deleted.
CREATE TABLE snapshots (
    intent_id BLOB NOT NULL PRIMARY KEY REFERENCES intents,
    tenant_id BLOB NOT NULL,
    guest_id  BLOB NOT NULL,
    taken_at  TEXT NOT NULL,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX snapshots_by_guest ON snapshots (tenant_id, guest_id, taken_at);
CREATE INDEX intents_by_plan ON intents (tenant_id, plan_id);
