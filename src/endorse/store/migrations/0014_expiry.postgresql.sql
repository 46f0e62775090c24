-- Programs from schema 12 on work with it.
--
-- Access tokens in a partition for each hour in which they expire: an hour that is over leaves whole.
-- A token is found by its hash alone, so each partition has its own key. What fits nowhere goes to the
-- last one, so that no insert ever fails. Only what lives is taken over: that is five minutes' worth.

ALTER TABLE access_tokens RENAME TO access_tokens_before;

CREATE TABLE access_tokens (
    token_hash TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    client_id TEXT NOT NULL DEFAULT '',
    bound_to TEXT NOT NULL DEFAULT '',
    revision BIGINT NOT NULL DEFAULT 0
) PARTITION BY RANGE (expires_at);

DO $$
DECLARE
    this_hour BIGINT := floor(extract(epoch FROM now()) / 3600);
BEGIN
    FOR hour IN this_hour .. this_hour + 2 LOOP
        EXECUTE format(
            'CREATE TABLE access_tokens_%s PARTITION OF access_tokens (PRIMARY KEY (token_hash)) FOR VALUES FROM (%s) TO (%s)',
            to_char(to_timestamp(hour * 3600) AT TIME ZONE 'UTC', 'YYYYMMDDHH24'), hour * 3600, (hour + 1) * 3600
        );
    END LOOP;
END
$$;

CREATE TABLE access_tokens_other PARTITION OF access_tokens (PRIMARY KEY (token_hash)) DEFAULT;
CREATE INDEX access_tokens_other_hour ON access_tokens_other ((expires_at / 3600));

INSERT INTO access_tokens (token_hash, grant_id, scope, created_at, expires_at, client_id, bound_to, revision)
SELECT token_hash, grant_id, scope, created_at, expires_at, client_id, bound_to, revision
FROM access_tokens_before WHERE expires_at > extract(epoch FROM now()) - 60;

DROP TABLE access_tokens_before;
CREATE INDEX access_tokens_client ON access_tokens (client_id);
