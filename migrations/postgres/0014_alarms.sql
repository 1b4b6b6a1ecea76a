-- How the newest cycles ended: what alarms are judged by.
CREATE TABLE cycle_ends (
    tenant_id UUID NOT NULL,
    ended_at  TIMESTAMPTZ NOT NULL,
    healthy   BOOLEAN NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, ended_at)
);

-- Alarms that are raised, or were: of each kind the newest, with what was told of it.
CREATE TABLE alarms (
    tenant_id UUID NOT NULL,
    kind      TEXT NOT NULL,
    -- counts up with each change, so that of two who would tell only one does
    version   BIGINT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind)
);
