-- Every way in which a request may reach a phone, the number, the risk verdict, and what is
-- remembered of a person between requests.

ALTER TABLE clients ADD COLUMN ways TEXT NOT NULL DEFAULT '';

ALTER TABLE journeys ADD COLUMN browser_id TEXT NOT NULL DEFAULT '';
ALTER TABLE journeys ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE journeys ADD COLUMN ways TEXT NOT NULL DEFAULT 'qr';
ALTER TABLE journeys ADD COLUMN lid_hash TEXT;
ALTER TABLE journeys ADD COLUMN spelling TEXT;
ALTER TABLE journeys ADD COLUMN spelling_hash TEXT;
ALTER TABLE journeys ADD COLUMN spelled_at BIGINT;
ALTER TABLE journeys ADD COLUMN way TEXT;
ALTER TABLE journeys ADD COLUMN number BIGINT;
ALTER TABLE journeys ADD COLUMN hint TEXT;
ALTER TABLE journeys ADD COLUMN return_hash TEXT;
ALTER TABLE journeys ADD COLUMN returned_at BIGINT;
CREATE UNIQUE INDEX journeys_lid ON journeys (lid_hash) WHERE lid_hash IS NOT NULL;
CREATE UNIQUE INDEX journeys_return ON journeys (return_hash) WHERE return_hash IS NOT NULL;
-- Not unique: of two journeys with the same eight letters neither is found.
CREATE INDEX journeys_spelling ON journeys (spelling_hash) WHERE spelling_hash IS NOT NULL;
CREATE INDEX journeys_person ON journeys (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX journeys_browser ON journeys (browser_id) WHERE browser_id <> '';

CREATE TABLE tries (
    try_id {identity},
    person_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX tries_person ON tries (person_id, at);
CREATE INDEX tries_at ON tries (at);

CREATE TABLE client_flags (
    client_id TEXT NOT NULL,
    journey_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (client_id, journey_id)
);

CREATE TABLE known_browsers (
    browser_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (browser_id, person_id)
);
CREATE INDEX known_browsers_at ON known_browsers (at);
