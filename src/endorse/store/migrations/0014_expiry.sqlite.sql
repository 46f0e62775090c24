-- Programs from schema 12 on work with it.
--
-- Access tokens by the hour in which they expire, and then by their hash: what is written now lies
-- together, however many there have been, and what is over goes from one end. Only what lives is taken
-- over: that is five minutes' worth.

ALTER TABLE access_tokens RENAME TO access_tokens_before;

CREATE TABLE access_tokens (
    token_hash TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    client_id TEXT NOT NULL DEFAULT '',
    bound_to TEXT NOT NULL DEFAULT '',
    revision BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX access_tokens_hour ON access_tokens (expires_at / 3600, token_hash);

INSERT INTO access_tokens (token_hash, grant_id, scope, created_at, expires_at, client_id, bound_to, revision)
SELECT token_hash, grant_id, scope, created_at, expires_at, client_id, bound_to, revision
FROM access_tokens_before WHERE expires_at > CAST(strftime('%s', 'now') AS INTEGER) - 60;

DROP TABLE access_tokens_before;
CREATE INDEX access_tokens_client ON access_tokens (client_id);
