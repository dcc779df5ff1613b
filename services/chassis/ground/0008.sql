-- Long work (architecture §4): an act that takes longer than a request is an operation, worked off part by part by a process of its
-- own, in the name of the client that asked for it. How far it has come is written in the transaction of each part's effects.

CREATE TABLE operation (
    operation_id uuid PRIMARY KEY,
    kind text NOT NULL,
    client_id text NOT NULL,
    organisation text NOT NULL,
    division_code text NOT NULL,
    scopes text[] NOT NULL,
    actor text,
    purpose text,
    request_id text NOT NULL,
    parameters jsonb NOT NULL,
    fingerprint bytea CHECK (octet_length(fingerprint) = 32),
    state text NOT NULL CHECK (state IN ('accepted', 'running', 'succeeded', 'failed', 'cancelled')),
    is_cancel_requested boolean NOT NULL DEFAULT false,
    parts_done integer NOT NULL DEFAULT 0 CHECK (parts_done >= 0),
    done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total bigint CHECK (total >= 0),
    counts jsonb NOT NULL DEFAULT '{}',
    result jsonb NOT NULL DEFAULT '{}',
    problem text,
    starts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    kept_until date NOT NULL,
    CONSTRAINT ck_operation_finished CHECK ((state IN ('accepted', 'running')) = (finished_at IS NULL)),
    CONSTRAINT ck_operation_problem CHECK ((state = 'failed') = (problem IS NOT NULL))
);
COMMENT ON TABLE operation IS 'retention: expiry; kept_until, thirty days after it was asked for';
COMMENT ON COLUMN operation.parameters IS 'ids and codes, never values of a person';
COMMENT ON COLUMN operation.fingerprint IS 'keyed digest of what makes it the same again';
COMMENT ON COLUMN operation.starts IS 'processes that began with it since its last part; one that kills every process is given up';
CREATE INDEX ix_operation_waiting ON operation (created_at) WHERE state IN ('accepted', 'running');
CREATE INDEX ix_operation_fingerprint ON operation (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX ix_operation_kept_until ON operation (kept_until);

-- What a part leaves for the end, sealed: it may hold the lines of people's data that were not right.
CREATE TABLE operation_part (
    part_id uuid PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operation (operation_id) ON DELETE CASCADE,
    part integer NOT NULL CHECK (part > 0),
    sealed bytea NOT NULL,
    UNIQUE (operation_id, part)
);
COMMENT ON TABLE operation_part IS 'retention: settled; until the operation ends';

SELECT protect_rows('operation');
SELECT protect_rows('operation_part');
-- The asking division and those above it, as with its files.
CREATE POLICY askers_see ON operation FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_ask ON operation FOR INSERT WITH CHECK (is_in_row_division(division_code) AND client_id = row_client());
CREATE POLICY askers_go_on ON operation FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY askers_leave ON operation_part FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM operation o WHERE o.operation_id = operation_part.operation_id));
