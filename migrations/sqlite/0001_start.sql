-- What Innkeeper keeps of each tenant. Nothing crosses tenants: every table carries the tenant's id.

CREATE TABLE observations (
    observation_id BLOB NOT NULL PRIMARY KEY,
    tenant_id      BLOB NOT NULL,
    started_at     TEXT NOT NULL,
    -- running, complete or failed
    state          TEXT NOT NULL,
    finished_at    TEXT,
    healthy        INTEGER,
    -- seconds; see the watch
    watched        INTEGER,
    counts         TEXT,
    health         TEXT,
    error          TEXT
) STRICT;
CREATE INDEX observations_by_time ON observations (tenant_id, started_at);

-- The row key keeps the indices of the tables that hang on it small; random ids dirty every page of an index.
CREATE TABLE guests (
    guest_key          INTEGER NOT NULL PRIMARY KEY,
    tenant_id          BLOB NOT NULL,
    guest_id           BLOB NOT NULL,
    upn                TEXT NOT NULL,
    mail               TEXT,
    display_name       TEXT,
    user_type          TEXT NOT NULL,
    enabled            INTEGER,
    created_at         TEXT,
    invitation         TEXT NOT NULL,
    invitation_at      TEXT,
    on_premises_sync   INTEGER,
    company            TEXT,
    -- the newest of each sign-in time ever read
    successful_at      TEXT,
    interactive_at     TEXT,
    non_interactive_at TEXT,
    -- what the newest reading of them was worth
    reading            TEXT NOT NULL,
    first_seen_at      TEXT NOT NULL,
    gone_at            TEXT,
    revived_at         TEXT,
    disabled_by_us_at  TEXT,
    deleted_by_us_at   TEXT,
    verdict            TEXT,
    verdict_rule       TEXT,
    UNIQUE (tenant_id, guest_id)
) STRICT;

CREATE TABLE sponsors (
    tenant_id    BLOB NOT NULL,
    sponsor_id   BLOB NOT NULL,
    kind         TEXT NOT NULL,
    display_name TEXT,
    mail         TEXT,
    enabled      INTEGER,
    is_guest     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, sponsor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE guest_sponsors (
    guest_key  INTEGER NOT NULL REFERENCES guests,
    sponsor_id BLOB NOT NULL,
    tenant_id  BLOB NOT NULL,
    PRIMARY KEY (guest_key, sponsor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE named_groups (
    tenant_id  BLOB NOT NULL,
    -- the id or name that the policy uses
    name_used  TEXT NOT NULL,
    -- one, missing or ambiguous
    found      TEXT NOT NULL,
    group_id   BLOB,
    group_name TEXT,
    membership TEXT,
    PRIMARY KEY (tenant_id, name_used)
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
    guest_key INTEGER NOT NULL REFERENCES guests,
    group_id  BLOB NOT NULL,
    tenant_id BLOB NOT NULL,
    PRIMARY KEY (guest_key, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_group ON memberships (tenant_id, group_id);

CREATE TABLE group_owners (
    tenant_id  BLOB NOT NULL,
    group_id   BLOB NOT NULL,
    sponsor_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, group_id, sponsor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE guest_roles (
    guest_key INTEGER NOT NULL REFERENCES guests,
    role      TEXT NOT NULL,
    tenant_id BLOB NOT NULL,
    PRIMARY KEY (guest_key, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE cases (
    case_id    BLOB NOT NULL PRIMARY KEY,
    tenant_id  BLOB NOT NULL,
    guest_key  INTEGER NOT NULL REFERENCES guests,
    rule       TEXT NOT NULL,
    opened_at  TEXT NOT NULL,
    -- the actions of the stages executed, in order, with commas between
    done       TEXT NOT NULL,
    -- seconds on the watch
    since      INTEGER NOT NULL,
    -- seconds that do not count
    blind      INTEGER NOT NULL,
    hold_until TEXT,
    closed_at  TEXT,
    closing    TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_case_for_a_guest_and_rule ON cases (guest_key, rule) WHERE closed_at IS NULL;
CREATE INDEX cases_by_guest ON cases (guest_key);

CREATE TABLE policies (
    tenant_id     BLOB NOT NULL,
    hash          TEXT NOT NULL,
    text          TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
) STRICT;

CREATE TABLE plans (
    plan_id        BLOB NOT NULL PRIMARY KEY,
    tenant_id      BLOB NOT NULL,
    observation_id BLOB NOT NULL,
    policy_hash    TEXT NOT NULL,
    plan_hash      TEXT NOT NULL,
    made_at        TEXT NOT NULL,
    approved       INTEGER NOT NULL,
    steps          INTEGER NOT NULL,
    refusals       TEXT NOT NULL,
    body           TEXT NOT NULL
) STRICT;
CREATE INDEX plans_by_time ON plans (tenant_id, made_at);

CREATE TABLE intents (
    intent_id  BLOB NOT NULL PRIMARY KEY,
    tenant_id  BLOB NOT NULL,
    plan_id    BLOB NOT NULL,
    case_id    BLOB NOT NULL,
    guest_id   BLOB NOT NULL,
    rule       TEXT NOT NULL,
    stage      INTEGER NOT NULL,
    call       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX intents_by_guest ON intents (tenant_id, guest_id);
CREATE INDEX intents_by_time ON intents (tenant_id, created_at);

CREATE TABLE outcomes (
    intent_id    BLOB NOT NULL PRIMARY KEY REFERENCES intents,
    tenant_id    BLOB NOT NULL,
    concluded_at TEXT NOT NULL,
    outcome      TEXT NOT NULL
) STRICT;

CREATE TABLE journal (
    tenant_id BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    at        TEXT NOT NULL,
    guest_id  BLOB,
    body      TEXT NOT NULL,
    hash      BLOB NOT NULL,
    PRIMARY KEY (tenant_id, seq)
) STRICT;
CREATE INDEX journal_by_guest ON journal (tenant_id, guest_id) WHERE guest_id IS NOT NULL;

-- The last link of each chain: who appends takes this row first.
CREATE TABLE journal_heads (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    seq       INTEGER NOT NULL,
    hash      BLOB NOT NULL
) STRICT;

CREATE TABLE leases (
    tenant_id  BLOB NOT NULL PRIMARY KEY,
    holder     BLOB NOT NULL,
    epoch      INTEGER NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
