-- Programs from schema 12 on work with it.
--
-- Every table that grows is swept by an index.

CREATE INDEX client_flags_at ON client_flags (at);
