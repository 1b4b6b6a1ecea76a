-- What was due of each action, and how long it would take.
ALTER TABLE plans ADD COLUMN backlog TEXT NOT NULL DEFAULT '[]';

-- The steps of a plan that wait, or waited, for a person: what a decision is about. Those of plans on which nobody
-- decided are kept of the newest few, those of an approval until it ends.
CREATE TABLE plan_steps (
    plan_id   UUID NOT NULL REFERENCES plans,
    guest_id  UUID NOT NULL,
    rule      TEXT NOT NULL,
    stage     BIGINT NOT NULL,
    tenant_id UUID NOT NULL,
    effect    TEXT NOT NULL,
    due_at    TIMESTAMPTZ NOT NULL,
    because   TEXT NOT NULL,
    PRIMARY KEY (plan_id, guest_id, rule, stage)
);

-- What a person decided last about a plan; the journal has every decision.
CREATE TABLE plan_decisions (
    plan_id    UUID NOT NULL PRIMARY KEY REFERENCES plans,
    tenant_id  UUID NOT NULL,
    -- approved or rejected
    decision   TEXT NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL,
    decided_by TEXT NOT NULL,
    reason     TEXT NOT NULL,
    -- of an approval
    expires_at TIMESTAMPTZ
);
CREATE INDEX plan_decisions_by_tenant ON plan_decisions (tenant_id);
