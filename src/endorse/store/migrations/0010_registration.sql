-- Clients that register themselves: the hashes of their registration access tokens (the newest and the
-- one before), and when a client went. Its row stays, for people's history names it.

ALTER TABLE clients ADD COLUMN registration TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN removed_at BIGINT;
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX access_tokens_client ON access_tokens (client_id);

CREATE TABLE invitations (
    token_hash TEXT PRIMARY KEY,
    legal_name TEXT NOT NULL,
    profile TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses_left BIGINT NOT NULL
);
CREATE INDEX invitations_expiry ON invitations (expires_at);
