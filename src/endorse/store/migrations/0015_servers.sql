-- Programs from schema 12 on work with it.
--
-- How far each server's clock is ahead of the database's, and when it last said so, both in
-- milliseconds. A server is there while it says so.
CREATE TABLE servers (
    server TEXT PRIMARY KEY,
    ahead BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
