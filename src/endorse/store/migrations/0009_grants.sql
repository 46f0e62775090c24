-- Grants that a later approval of the person changes. Refresh tokens up to the generation `voided` are
-- void, and so are access tokens of a revision before `tokens_from`.

ALTER TABLE grants ADD COLUMN voided BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN tokens_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_tokens ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
