-- A phone waits for the confirmation of its six digits. Those enrolled before are usable.

ALTER TABLE phones ADD COLUMN enrolled_with TEXT NOT NULL DEFAULT '';
ALTER TABLE phones ADD COLUMN lapses_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE phones ADD COLUMN usable_from BIGINT;
ALTER TABLE phones ADD COLUMN wrong_digits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE phones ADD COLUMN signed_in_at BIGINT;
UPDATE phones SET usable_from = enrolled_at;

-- One pending phone a person, so that there is no doubt which one the digits are for.
CREATE UNIQUE INDEX phones_pending ON phones (person_id)
    WHERE usable_from IS NULL AND revoked_at IS NULL;

-- The journeys that end with their phone.
CREATE INDEX journeys_phone ON journeys (phone_id) WHERE state IN ('claimed', 'matched', 'review');
