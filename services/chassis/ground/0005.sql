-- Acts that need two people (chassis/two_person.py): what one officer proposed and another decides.

CREATE TABLE proposal (
    proposal_id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    act text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'approved', 'refused', 'declined', 'withdrawn', 'expired')),
    resource text NOT NULL,
    resource_id uuid NOT NULL,
    resource_version integer NOT NULL,
    person_id uuid,
    client_id text NOT NULL,
    organisation text NOT NULL,
    division_code text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    expires_on date NOT NULL,
    content bytea,
    reasons jsonb NOT NULL,
    decided_by text,
    decided_organisation text,
    decided_at timestamptz,
    CONSTRAINT ck_proposal_content CHECK ((status = 'open') = (content IS NOT NULL)),
    CONSTRAINT ck_proposal_decided CHECK (status NOT IN ('approved', 'declined', 'withdrawn') OR decided_by IS NOT NULL),
    CONSTRAINT ck_proposal_open CHECK (status NOT IN ('open', 'expired') OR decided_by IS NULL)
);
COMMENT ON TABLE proposal IS 'retention: years-3; the content only until it is decided or has expired';
CREATE INDEX ix_proposal_open ON proposal (resource_id) WHERE status = 'open';
CREATE INDEX ix_proposal_proposed_at ON proposal (proposed_at, proposal_id);

-- A version that two officers made names both.
ALTER TABLE history ADD COLUMN proposed_by text;
