"""Persons, documents, relationships, residence registrations and permits.

Revision ID: 0001
Revises:
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PERSONS = """
CREATE TABLE person (
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    name_index bytea NOT NULL,
    birth_date date NOT NULL,
    sex_code text NOT NULL,
    ethnicity_code text,
    education_code text,
    hukou_division_code text,
    no_document_reason text,
    warnings jsonb NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_person PRIMARY KEY (person_id),
    CONSTRAINT ck_person_version CHECK (version > 0),
    CONSTRAINT ck_person_sex_code CHECK (sex_code IN ('0', '1', '2', '9')),
    CONSTRAINT ck_person_no_document_reason CHECK (no_document_reason IN ('newborn', 'lost', 'never_issued')),
    CONSTRAINT ck_person_name_index CHECK (octet_length(name_index) = 32)
);
COMMENT ON TABLE person IS
    'retention: as long as the person is registered; period after leaving to be set by the city (V-68)';
CREATE INDEX ix_person_name_index ON person (name_index, birth_date);

CREATE TABLE identity_document (
    document_id uuid NOT NULL,
    person_id uuid NOT NULL,
    type text NOT NULL,
    number_index bytea NOT NULL,
    sealed bytea NOT NULL,
    valid_from date,
    valid_until date,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    CONSTRAINT pk_identity_document PRIMARY KEY (document_id),
    CONSTRAINT fk_identity_document_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT ck_identity_document_number_index CHECK (octet_length(number_index) = 32)
);
COMMENT ON TABLE identity_document IS 'retention: as the person';
CREATE UNIQUE INDEX uq_identity_document_current ON identity_document (number_index) WHERE superseded_at IS NULL;
CREATE INDEX ix_identity_document_person_id ON identity_document (person_id);

CREATE TABLE person_division (
    person_division_id uuid NOT NULL,
    person_id uuid NOT NULL,
    division_code text NOT NULL,
    source text NOT NULL,
    since date NOT NULL,
    until date,
    CONSTRAINT pk_person_division PRIMARY KEY (person_division_id),
    CONSTRAINT fk_person_division_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT ck_person_division_source CHECK (source IN ('intake', 'residence_registration')),
    CONSTRAINT ck_person_division_until CHECK (until >= since)
);
COMMENT ON TABLE person_division IS 'retention: as the person; without effect two years after `until`';
CREATE UNIQUE INDEX uq_person_division_open ON person_division (person_id, division_code, source) WHERE until IS NULL;
CREATE INDEX ix_person_division_person_id ON person_division (person_id) INCLUDE (division_code, until);

CREATE TABLE person_resolution (
    person_id uuid NOT NULL,
    client_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_person_resolution PRIMARY KEY (person_id, client_id),
    CONSTRAINT fk_person_resolution_person_id FOREIGN KEY (person_id) REFERENCES person (person_id)
);
COMMENT ON TABLE person_resolution IS 'retention: until expires_at';

CREATE TABLE relationship (
    relationship_id uuid NOT NULL,
    person_id uuid NOT NULL,
    related_person_id uuid NOT NULL,
    kind text NOT NULL,
    valid_from date NOT NULL,
    ended_on date,
    end_reason text,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_relationship PRIMARY KEY (relationship_id),
    CONSTRAINT fk_relationship_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT fk_relationship_related_person_id FOREIGN KEY (related_person_id) REFERENCES person (person_id),
    CONSTRAINT ck_relationship_kind CHECK (kind IN ('parent', 'guardian', 'spouse', 'sibling')),
    CONSTRAINT ck_relationship_two_persons CHECK (person_id <> related_person_id),
    CONSTRAINT ck_relationship_ended CHECK ((ended_on IS NULL) = (end_reason IS NULL)),
    CONSTRAINT ck_relationship_ended_on CHECK (ended_on >= valid_from),
    CONSTRAINT ck_relationship_version CHECK (version > 0)
);
COMMENT ON TABLE relationship IS 'retention: as the person';
CREATE UNIQUE INDEX uq_relationship_current ON relationship (person_id, related_person_id, kind) WHERE ended_on IS NULL;
CREATE INDEX ix_relationship_related_person_id ON relationship (related_person_id);
"""

_RESIDENCE = """
CREATE TABLE residence_registration (
    registration_id uuid NOT NULL,
    person_id uuid NOT NULL,
    status text NOT NULL,
    division_code text NOT NULL,
    sealed bytea NOT NULL,
    residence_kind text NOT NULL,
    reported_by text NOT NULL,
    reporter_person_id uuid,
    registered_on date NOT NULL,
    started_on date NOT NULL,
    expected_end_on date,
    residence_since date NOT NULL,
    changed_on date,
    reported_late boolean NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_residence_registration PRIMARY KEY (registration_id),
    CONSTRAINT fk_residence_registration_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT fk_residence_registration_reporter_person_id FOREIGN KEY (reporter_person_id) REFERENCES person (person_id),
    CONSTRAINT ck_residence_registration_status CHECK (status IN ('current', 'ended')),
    CONSTRAINT ck_residence_registration_ended
        CHECK ((status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)),
    CONSTRAINT ck_residence_registration_started_on CHECK (started_on <= registered_on),
    CONSTRAINT ck_residence_registration_version CHECK (version > 0)
);
COMMENT ON TABLE residence_registration IS 'retention: as the person';
CREATE UNIQUE INDEX uq_residence_registration_current ON residence_registration (person_id) WHERE status = 'current';
CREATE INDEX ix_residence_registration_person_id ON residence_registration (person_id);
CREATE INDEX ix_residence_registration_division
    ON residence_registration (division_code text_pattern_ops, created_at, registration_id);

CREATE TABLE residence_permit (
    permit_id uuid NOT NULL,
    person_id uuid NOT NULL,
    registration_id uuid,
    division_code text,
    status text NOT NULL,
    ground text NOT NULL,
    regime text NOT NULL,
    applicant text NOT NULL,
    applied_on date NOT NULL,
    eligible_from date,
    accepted_on date,
    due_on date,
    residence_start date,
    issued_on date,
    endorsement_anchor_on date,
    endorsement_from date,
    endorsement_until date,
    residence_years_from date,
    suspended_on date,
    suspension_cause text,
    card_status text,
    lost_on date,
    ended_on date,
    end_reason text,
    reasons jsonb NOT NULL,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_residence_permit PRIMARY KEY (permit_id),
    CONSTRAINT fk_residence_permit_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT fk_residence_permit_registration_id
        FOREIGN KEY (registration_id) REFERENCES residence_registration (registration_id),
    CONSTRAINT ck_residence_permit_status
        CHECK (status IN ('accepted', 'refused', 'withdrawn', 'valid', 'suspended', 'ended')),
    CONSTRAINT ck_residence_permit_card_status
        CHECK (card_status IN ('in_use', 'reported_lost', 'replaced', 'withdrawn')),
    CONSTRAINT ck_residence_permit_ended
        CHECK ((status IN ('ended', 'withdrawn')) = (ended_on IS NOT NULL) AND (ended_on IS NULL) = (end_reason IS NULL)),
    CONSTRAINT ck_residence_permit_suspended
        CHECK ((status = 'suspended') = (suspended_on IS NOT NULL) AND (suspended_on IS NULL) = (suspension_cause IS NULL)),
    CONSTRAINT ck_residence_permit_issued
        CHECK ((status IN ('valid', 'suspended', 'ended')) = (issued_on IS NOT NULL)),
    CONSTRAINT ck_residence_permit_accepted CHECK ((status = 'refused') = (accepted_on IS NULL)),
    CONSTRAINT ck_residence_permit_version CHECK (version > 0)
);
COMMENT ON TABLE residence_permit IS 'retention: as the person';
CREATE UNIQUE INDEX uq_residence_permit_open ON residence_permit (person_id)
    WHERE status IN ('accepted', 'valid', 'suspended');
CREATE INDEX ix_residence_permit_person_id ON residence_permit (person_id);
CREATE INDEX ix_residence_permit_window ON residence_permit (endorsement_until) WHERE status = 'valid';

CREATE TABLE endorsement (
    endorsement_id uuid NOT NULL,
    permit_id uuid NOT NULL,
    person_id uuid NOT NULL,
    decided_on date NOT NULL,
    accepted boolean NOT NULL,
    is_late boolean NOT NULL,
    window_from date NOT NULL,
    window_until date NOT NULL,
    reasons jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_endorsement PRIMARY KEY (endorsement_id),
    CONSTRAINT fk_endorsement_permit_id FOREIGN KEY (permit_id) REFERENCES residence_permit (permit_id),
    CONSTRAINT fk_endorsement_person_id FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT ck_endorsement_window CHECK (window_from <= window_until),
    CONSTRAINT ck_endorsement_is_late CHECK (accepted OR NOT is_late)
);
COMMENT ON TABLE endorsement IS 'retention: as the permit';
CREATE INDEX ix_endorsement_permit_id ON endorsement (permit_id, decided_on);
"""

# Lock, then look: a volatile PL/pgSQL function takes a new snapshot per statement, so a registration that committed while this one
# waited is seen. The locks are taken in the order of the digests, so that two registrations of several documents cannot deadlock.
_CLAIM_DOCUMENTS = """
CREATE FUNCTION claim_documents(indexes bytea[]) RETURNS TABLE (number_index bytea, person_id uuid)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    one bytea;
BEGIN
    FOR one IN SELECT u.i FROM unnest(indexes) AS u(i) ORDER BY u.i LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(encode(one, 'hex'), 1));
    END LOOP;
    RETURN QUERY SELECT d.number_index, d.person_id FROM identity_document d
        WHERE d.number_index = ANY (indexes) AND d.superseded_at IS NULL;
END $$;
"""


def upgrade() -> None:
    ground.apply(op, 1)
    execute_script(op, _PERSONS)
    execute_script(op, _RESIDENCE)
    execute_script(op, _CLAIM_DOCUMENTS)


def downgrade() -> None:
    raise RuntimeError("the first revision is not taken back: drop the database")
