-- What a guest had before it was disabled or deleted.
CREATE TABLE snapshots (
    intent_id UUID NOT NULL PRIMARY KEY REFERENCES intents,
    tenant_id UUID NOT NULL,
    guest_id  UUID NOT NULL,
    taken_at  TIMESTAMPTZ NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX snapshots_by_guest ON snapshots (tenant_id, guest_id, taken_at);
CREATE INDEX intents_by_plan ON intents (tenant_id, plan_id);
