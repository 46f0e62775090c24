-- Times are whole seconds since 1970 (UTC); a *_hash is base64url of a SHA-256.

CREATE TABLE clients (
    client_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    scope TEXT NOT NULL,
    is_public BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE client_secrets (
    client_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (client_id, secret_hash)
);

CREATE TABLE journeys (
    journey_id TEXT PRIMARY KEY,
    short TEXT NOT NULL UNIQUE,
    qid TEXT NOT NULL UNIQUE,
    browser_hash TEXT NOT NULL,
    request TEXT NOT NULL,
    digest TEXT NOT NULL,
    browser TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    code_from BIGINT NOT NULL,
    codes BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    forget_at BIGINT NOT NULL,
    person_id TEXT,
    phone_id TEXT,
    claimed_at BIGINT,
    document TEXT,
    challenge TEXT,
    assertion TEXT,
    approved_at BIGINT,
    reason TEXT,
    code_hash TEXT,
    grant_id TEXT
);
CREATE UNIQUE INDEX journeys_code ON journeys (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX journeys_forget ON journeys (forget_at);

CREATE TABLE enrolments (
    code_hash TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX enrolments_person ON enrolments (person_id, created_at);
CREATE INDEX enrolments_created ON enrolments (created_at);

CREATE TABLE phones (
    phone_id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    name TEXT NOT NULL,
    device TEXT NOT NULL,
    credential_id TEXT NOT NULL UNIQUE,
    public_key TEXT NOT NULL,
    sign_count BIGINT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX phones_person ON phones (person_id);

CREATE TABLE grants (
    grant_id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    phone_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    accounts TEXT NOT NULL,
    account_ids TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    assertion TEXT NOT NULL,
    generation BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    last_used_at BIGINT,
    ended_at BIGINT,
    ended_by TEXT
);
CREATE INDEX grants_person ON grants (person_id, created_at);

CREATE TABLE access_tokens (
    token_hash TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE audit (
    audit_id {identity},
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    journey_id TEXT,
    grant_id TEXT,
    client_id TEXT,
    person_id TEXT,
    detail TEXT
);

-- Only the sandbox keeps its key beside the data; a real server gets it from its settings.
CREATE TABLE sandbox_keys (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL
);
