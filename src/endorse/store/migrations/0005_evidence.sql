-- Everything that was ever signed for a grant, in its order; rows are added, never changed.
CREATE TABLE evidence (
    grant_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    signed TEXT NOT NULL,
    signature TEXT NOT NULL,
    credential_id TEXT,
    public_key TEXT,
    PRIMARY KEY (grant_id, number)
);

INSERT INTO evidence (grant_id, number, kind, at, signed, signature, credential_id, public_key)
SELECT g.grant_id, 1, 'consent', g.created_at, g.document, g.assertion, p.credential_id, p.public_key
FROM grants g LEFT JOIN phones p ON p.phone_id = g.phone_id;

ALTER TABLE grants DROP COLUMN document;
ALTER TABLE grants DROP COLUMN assertion;

-- How many rows of evidence it has: the guard of every change of what it gives.
ALTER TABLE grants ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE grants ADD COLUMN removed TEXT NOT NULL DEFAULT '[]';
CREATE INDEX grants_over ON grants ((COALESCE(ended_at, expires_at)));
