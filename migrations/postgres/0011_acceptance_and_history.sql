-- The policy that decides: the last one that was accepted, and by which version of deciding.
CREATE TABLE accepted_policies (
    tenant_id        UUID NOT NULL PRIMARY KEY,
    hash             TEXT NOT NULL,
    text             TEXT NOT NULL,
    decision_version BIGINT NOT NULL,
    accepted_at      TIMESTAMPTZ NOT NULL,
    -- nobody, when it was accepted without a person
    accepted_by      TEXT,
    reason           TEXT
);

-- The policy that would decide if a person accepted it.
CREATE TABLE waiting_policies (
    tenant_id        UUID NOT NULL PRIMARY KEY,
    hash             TEXT NOT NULL,
    decision_version BIGINT NOT NULL,
    affected         BIGINT NOT NULL,
    allowed          BIGINT NOT NULL,
    since            TIMESTAMPTZ NOT NULL
);

-- What a guest was like from a time on, until its next row: what facts of the past derive from. Written only when it
-- differs.
CREATE TABLE guest_states (
    guest_key BIGINT NOT NULL REFERENCES guests,
    since     TIMESTAMPTZ NOT NULL,
    tenant_id UUID NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (guest_key, since)
);
CREATE INDEX guest_states_by_time ON guest_states (tenant_id, since);
