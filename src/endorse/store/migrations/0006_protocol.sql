-- What the stricter profiles need: how a client authenticates, which key a token is bound to, and
-- what may be shown once only (the jti of an assertion or a proof, the id of a request object).

ALTER TABLE clients ADD COLUMN profile TEXT NOT NULL DEFAULT 'plain';
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{{}}';

-- A token without a grant concerns no person: a client got it for itself.
ALTER TABLE access_tokens ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
ALTER TABLE access_tokens ADD COLUMN bound_to TEXT NOT NULL DEFAULT '';

CREATE TABLE used_once (
    used_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_once_expiry ON used_once (expires_at);
