-- Requests that wait for their browser (RFC 9126). What answered one stands in used_once.

CREATE TABLE pushed_requests (
    request_hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    request TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

-- What exactly was given (RFC 9396). Its scope says the same in short.
ALTER TABLE grants ADD COLUMN authorization_details TEXT NOT NULL DEFAULT '[]';
