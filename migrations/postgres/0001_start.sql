-- What Innkeeper keeps of each tenant. Nothing crosses tenants: every table carries the tenant's id.

CREATE TABLE observations (
    observation_id UUID NOT NULL PRIMARY KEY,
    tenant_id      UUID NOT NULL,
    started_at     TIMESTAMPTZ NOT NULL,
    -- running, complete or failed
    state          TEXT NOT NULL,
    finished_at    TIMESTAMPTZ,
    healthy        BOOLEAN,
    -- seconds; see the watch
    watched        BIGINT,
    counts         TEXT,
    health         TEXT,
    error          TEXT
);
CREATE INDEX observations_by_time ON observations (tenant_id, started_at);

-- The row key keeps the indices of the tables that hang on it small; random ids dirty every page of an index.
CREATE TABLE guests (
    guest_key          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id          UUID NOT NULL,
    guest_id           UUID NOT NULL,
    upn                TEXT NOT NULL,
    mail               TEXT,
    display_name       TEXT,
    user_type          TEXT NOT NULL,
    enabled            BOOLEAN,
    created_at         TIMESTAMPTZ,
    invitation         TEXT NOT NULL,
    invitation_at      TIMESTAMPTZ,
    on_premises_sync   BOOLEAN,
    company            TEXT,
    -- the newest of each sign-in time ever read
    successful_at      TIMESTAMPTZ,
    interactive_at     TIMESTAMPTZ,
    non_interactive_at TIMESTAMPTZ,
    -- what the newest reading of them was worth
    reading            TEXT NOT NULL,
    first_seen_at      TIMESTAMPTZ NOT NULL,
    gone_at            TIMESTAMPTZ,
    revived_at         TIMESTAMPTZ,
    disabled_by_us_at  TIMESTAMPTZ,
    deleted_by_us_at   TIMESTAMPTZ,
    verdict            TEXT,
    verdict_rule       TEXT,
    UNIQUE (tenant_id, guest_id)
);

CREATE TABLE sponsors (
    tenant_id    UUID NOT NULL,
    sponsor_id   UUID NOT NULL,
    kind         TEXT NOT NULL,
    display_name TEXT,
    mail         TEXT,
    enabled      BOOLEAN,
    is_guest     BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, sponsor_id)
);

CREATE TABLE guest_sponsors (
    guest_key  BIGINT NOT NULL REFERENCES guests,
    sponsor_id UUID NOT NULL,
    tenant_id  UUID NOT NULL,
    PRIMARY KEY (guest_key, sponsor_id)
);

CREATE TABLE named_groups (
    tenant_id  UUID NOT NULL,
    -- the id or name that the policy uses
    name_used  TEXT NOT NULL,
    -- one, missing or ambiguous
    found      TEXT NOT NULL,
    group_id   UUID,
    group_name TEXT,
    membership TEXT,
    PRIMARY KEY (tenant_id, name_used)
);

CREATE TABLE memberships (
    guest_key BIGINT NOT NULL REFERENCES guests,
    group_id  UUID NOT NULL,
    tenant_id UUID NOT NULL,
    PRIMARY KEY (guest_key, group_id)
);
CREATE INDEX memberships_by_group ON memberships (tenant_id, group_id);

CREATE TABLE group_owners (
    tenant_id  UUID NOT NULL,
    group_id   UUID NOT NULL,
    sponsor_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, group_id, sponsor_id)
);

CREATE TABLE guest_roles (
    guest_key BIGINT NOT NULL REFERENCES guests,
    role      TEXT NOT NULL,
    tenant_id UUID NOT NULL,
    PRIMARY KEY (guest_key, role)
);

CREATE TABLE cases (
    case_id    UUID NOT NULL PRIMARY KEY,
    tenant_id  UUID NOT NULL,
    guest_key  BIGINT NOT NULL REFERENCES guests,
    rule       TEXT NOT NULL,
    opened_at  TIMESTAMPTZ NOT NULL,
    -- the actions of the stages executed, in order, with commas between
    done       TEXT NOT NULL,
    -- seconds on the watch
    since      BIGINT NOT NULL,
    -- seconds that do not count
    blind      BIGINT NOT NULL,
    hold_until TIMESTAMPTZ,
    closed_at  TIMESTAMPTZ,
    closing    TEXT
);
CREATE UNIQUE INDEX one_open_case_for_a_guest_and_rule ON cases (guest_key, rule) WHERE closed_at IS NULL;
CREATE INDEX cases_by_guest ON cases (guest_key);

CREATE TABLE policies (
    tenant_id     UUID NOT NULL,
    hash          TEXT NOT NULL,
    text          TEXT NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);

CREATE TABLE plans (
    plan_id        UUID NOT NULL PRIMARY KEY,
    tenant_id      UUID NOT NULL,
    observation_id UUID NOT NULL,
    policy_hash    TEXT NOT NULL,
    plan_hash      TEXT NOT NULL,
    made_at        TIMESTAMPTZ NOT NULL,
    approved       BOOLEAN NOT NULL,
    steps          BIGINT NOT NULL,
    refusals       TEXT NOT NULL,
    body           TEXT NOT NULL
);
CREATE INDEX plans_by_time ON plans (tenant_id, made_at);

CREATE TABLE intents (
    intent_id  UUID NOT NULL PRIMARY KEY,
    tenant_id  UUID NOT NULL,
    plan_id    UUID NOT NULL,
    case_id    UUID NOT NULL,
    guest_id   UUID NOT NULL,
    rule       TEXT NOT NULL,
    stage      BIGINT NOT NULL,
    call       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX intents_by_guest ON intents (tenant_id, guest_id);
CREATE INDEX intents_by_time ON intents (tenant_id, created_at);

CREATE TABLE outcomes (
    intent_id    UUID NOT NULL PRIMARY KEY REFERENCES intents,
    tenant_id    UUID NOT NULL,
    concluded_at TIMESTAMPTZ NOT NULL,
    outcome      TEXT NOT NULL
);

CREATE TABLE journal (
    tenant_id UUID NOT NULL,
    seq       BIGINT NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    guest_id  UUID,
    body      TEXT NOT NULL,
    hash      BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX journal_by_guest ON journal (tenant_id, guest_id) WHERE guest_id IS NOT NULL;

-- The last link of each chain: who appends takes this row first.
CREATE TABLE journal_heads (
    tenant_id UUID NOT NULL PRIMARY KEY,
    seq       BIGINT NOT NULL,
    hash      BYTEA NOT NULL
);

CREATE TABLE leases (
    tenant_id  UUID NOT NULL PRIMARY KEY,
    holder     UUID NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
