-- What a person's phones are told: a kind and what it is about. The texts stand in the phone.
CREATE TABLE notices (
    notice_id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    made_by TEXT NOT NULL,
    by_phone_id TEXT,
    phone_id TEXT,
    client_id TEXT,
    grant_id TEXT
);
CREATE INDEX notices_person ON notices (person_id, at);
CREATE INDEX notices_at ON notices (at);

-- Each phone has read for itself: one that was stolen must not read away what the others are told.
CREATE TABLE notices_read (
    notice_id TEXT NOT NULL,
    phone_id TEXT NOT NULL,
    PRIMARY KEY (notice_id, phone_id)
);
