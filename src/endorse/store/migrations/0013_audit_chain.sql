-- Programs from schema 12 on work with it.
--
-- The audit trail, chained: which writer wrote a line, in which of its batches, and on the last line of
-- a batch the code that covers it and all before it. Lines of earlier versions stand in no chain.

ALTER TABLE audit ADD COLUMN writer_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN mac TEXT NOT NULL DEFAULT '';

-- One row a writer and start. `named` is the last batch that the beginning of another chain names.
CREATE TABLE audit_chains (
    writer_id TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    sealed INTEGER NOT NULL,
    follows TEXT NOT NULL,
    batch BIGINT NOT NULL,
    mac TEXT NOT NULL,
    named BIGINT NOT NULL DEFAULT 0,
    cut_batch BIGINT NOT NULL DEFAULT 0,
    cut_mac TEXT NOT NULL DEFAULT '',
    cut_proof TEXT NOT NULL DEFAULT ''
);
