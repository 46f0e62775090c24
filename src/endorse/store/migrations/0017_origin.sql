-- Programs from schema 12 on work with it.
--
-- One row that knows how it was written, on PostgreSQL: see `store/origin.py`. On SQLite it stays
-- empty, as copies say so of themselves. It has no key: what writes tables anew in the background
-- (pg_repack) takes none without.
CREATE TABLE origin (
    transaction_id TEXT NOT NULL,
    table_id TEXT NOT NULL,
    timeline BIGINT NOT NULL
);
