"""Mirrors of the registry: persons, their document tokens and aliases, relationships, residence registrations and permits.

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
CREATE TABLE mirror_person (
    person_id uuid NOT NULL,
    masked_name text NOT NULL,
    birth_date date NOT NULL,
    sex_code text NOT NULL,
    hukou_division_code text,
    no_document_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_person IS 'retention: as long as the registry keeps the person';

CREATE TABLE mirror_person_document (
    token text NOT NULL,
    key_id text NOT NULL,
    person_id uuid NOT NULL,
    document_type text NOT NULL,
    CONSTRAINT pk_mirror_person_document PRIMARY KEY (token, key_id, person_id)
);
COMMENT ON TABLE mirror_person_document IS 'retention: as long as the registry keeps the person';
CREATE INDEX ix_mirror_person_document_person_id ON mirror_person_document (person_id);

CREATE TABLE mirror_person_alias (
    person_id uuid NOT NULL,
    canonical_person_id uuid NOT NULL,
    CONSTRAINT pk_mirror_person_alias PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_alias_two_ids CHECK (person_id <> canonical_person_id)
);
COMMENT ON TABLE mirror_person_alias IS 'retention: as long as the registry keeps the person';
CREATE INDEX ix_mirror_person_alias_canonical_person_id ON mirror_person_alias (canonical_person_id);

CREATE TABLE mirror_relationship (
    relationship_id uuid NOT NULL,
    person_id uuid NOT NULL,
    related_person_id uuid NOT NULL,
    kind text NOT NULL,
    valid_from date NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_relationship PRIMARY KEY (relationship_id),
    CONSTRAINT ck_mirror_relationship_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_relationship IS 'retention: as long as the registry keeps the person';
CREATE INDEX ix_mirror_relationship_person_id ON mirror_relationship (person_id);
CREATE INDEX ix_mirror_relationship_related_person_id ON mirror_relationship (related_person_id);
"""

_RESIDENCE = """
CREATE TABLE mirror_residence_registration (
    registration_id uuid NOT NULL,
    person_id uuid NOT NULL,
    status text NOT NULL,
    division_code text NOT NULL,
    residence_kind text NOT NULL,
    registered_on date NOT NULL,
    started_on date NOT NULL,
    residence_since date NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_residence_registration PRIMARY KEY (registration_id),
    CONSTRAINT ck_mirror_residence_registration_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_residence_registration IS 'retention: as long as the registry keeps the person';
CREATE INDEX ix_mirror_residence_registration_person_id ON mirror_residence_registration (person_id);

CREATE TABLE mirror_residence_permit (
    permit_id uuid NOT NULL,
    person_id uuid NOT NULL,
    status text NOT NULL,
    ground text NOT NULL,
    division_code text,
    issued_on date,
    residence_years_from date,
    suspended_on date,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_residence_permit PRIMARY KEY (permit_id),
    CONSTRAINT ck_mirror_residence_permit_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_residence_permit IS 'retention: as long as the registry keeps the person';
CREATE INDEX ix_mirror_residence_permit_person_id ON mirror_residence_permit (person_id);
"""


def upgrade() -> None:
    ground.apply(op, 1)
    execute_script(op, _PERSONS)
    execute_script(op, _RESIDENCE)


def downgrade() -> None:
    raise RuntimeError("the first revision is not taken back: drop the database")
