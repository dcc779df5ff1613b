-- Seals of audit lines, signed checkpoints, and how far these were copied elsewhere (reliability.md 37, decision 0009).

-- Which transaction wrote the line: what the sealer goes by, because neither ids nor times tell the order of commits.
-- Lines written before this revision have 0 and are sealed first.
ALTER TABLE audit_line ADD COLUMN xid xid8 NOT NULL DEFAULT '0';
ALTER TABLE audit_line ALTER COLUMN xid SET DEFAULT pg_current_xact_id();
CREATE INDEX ix_audit_line_xid ON audit_line (xid, audit_id);

CREATE TABLE audit_seal (
    position bigint PRIMARY KEY CHECK (position > 0),
    audit_id uuid NOT NULL UNIQUE,
    chain_hash bytea NOT NULL CHECK (octet_length(chain_hash) = 32)
);
COMMENT ON TABLE audit_seal IS 'retention: as the audit line';

-- `subtrees` lets the tree grow on, and a verifier begin here when earlier lines are past their retention; it needs no signature,
-- because it must give the signed root. Every line up to (`sealed_xid`, `sealed_audit_id`) has its seal.
CREATE TABLE audit_checkpoint (
    tree_size bigint PRIMARY KEY CHECK (tree_size > 0),
    epoch integer NOT NULL,
    signed_at timestamptz NOT NULL,
    signed text NOT NULL,
    subtrees bytea NOT NULL,
    sealed_xid xid8 NOT NULL,
    sealed_audit_id uuid NOT NULL
);
COMMENT ON TABLE audit_checkpoint IS 'retention: as the audit lines it covers; the newest one past it stays';

-- No evidence, only what replicas tell each other; the verifier asks the places themselves.
CREATE TABLE audit_copy (
    place text PRIMARY KEY,
    epoch integer NOT NULL,
    tree_size bigint NOT NULL,
    copied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE audit_copy IS 'retention: as long as the service';

-- Lines past their retention go, whole checkpoints at a time, oldest first; the checkpoint at the border stays, for the verifier
-- to begin with. The application role has no other way to delete evidence. This one refuses what the law keeps (privacy.md V-45:
-- six months, here 183 days), going by the time the database itself wrote into each line, and what is not copied to two places.
CREATE FUNCTION prune_audit(days_kept integer, checkpoints_max integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept_from timestamptz := now() - make_interval(days => days_kept);
    border bigint;
    pruned integer;
BEGIN
    IF days_kept IS NULL OR days_kept < 183 THEN
        RAISE EXCEPTION 'audit lines are kept for 183 days at least';
    END IF;
    SELECT max(tree_size) INTO border FROM (
        SELECT tree_size FROM audit_checkpoint
        WHERE signed_at < kept_from
          AND tree_size >= (SELECT min(position) FROM audit_seal)
          AND tree_size <= (SELECT min(tree_size) FROM audit_copy HAVING count(*) >= 2)
        ORDER BY tree_size LIMIT checkpoints_max
    ) past;
    IF border IS NULL THEN
        RETURN 0;
    END IF;
    IF EXISTS (
        SELECT FROM audit_seal s JOIN audit_line l USING (audit_id) WHERE s.position <= border AND l.recorded_at >= kept_from
    ) THEN
        RAISE EXCEPTION 'an audit line under an old checkpoint is younger than its retention';
    END IF;
    DELETE FROM audit_line l USING audit_seal s WHERE s.position <= border AND l.audit_id = s.audit_id;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    DELETE FROM audit_seal WHERE position <= border;
    DELETE FROM audit_checkpoint WHERE tree_size < border;
    RETURN pruned;
END $$;
