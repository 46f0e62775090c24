-- What a client asks with again and again, where no browser brings it a code: a device_code, or the
-- auth_req_id of a request that reaches the person's phones by itself.

CREATE TABLE polls (
    poll_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    client_id TEXT NOT NULL,
    request TEXT NOT NULL,
    user_code_hash TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    every BIGINT NOT NULL,
    polled_at BIGINT NOT NULL,
    notify TEXT
);
CREATE UNIQUE INDEX polls_user_code ON polls (user_code_hash) WHERE user_code_hash IS NOT NULL;
CREATE INDEX polls_expiry ON polls (expires_at);

ALTER TABLE journeys ADD COLUMN poll_hash TEXT;
ALTER TABLE journeys ADD COLUMN polls_until BIGINT;
-- One journey a poll: two browsers that type the same letters do not both begin.
CREATE UNIQUE INDEX journeys_poll ON journeys (poll_hash) WHERE poll_hash IS NOT NULL;
