-- The refresh token of a client without a secret is bound to the key that it first showed.
ALTER TABLE grants ADD COLUMN bound_to TEXT NOT NULL DEFAULT '';

-- When a person approved it is said in each ID token; before this nobody asked for one.
ALTER TABLE grants ADD COLUMN approved_at BIGINT NOT NULL DEFAULT 0;

-- The server's signing keys, of each kind numbered from 1. The private key is not here: `handle`
-- is what its holder needs to sign with it, which for the server's own holder is the sealed key.

CREATE TABLE signing_keys (
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    kid TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    handle TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    leaves_at BIGINT,
    PRIMARY KEY (kind, number)
);
