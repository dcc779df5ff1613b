"""Rounds: places for one use, rankings, objections.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE round (
    round_id uuid NOT NULL,
    purpose text NOT NULL,
    service text NOT NULL,
    division_code text NOT NULL,
    rule_set_id uuid NOT NULL,
    quota integer NOT NULL,
    town_quotas jsonb NOT NULL,
    freeze_on date NOT NULL,
    notice_working_days integer NOT NULL,
    objection_working_days integer NOT NULL,
    status text NOT NULL,
    ranked_on date,
    standing integer,
    cut_off text,
    published_on date,
    notice_until date,
    objections_until date,
    finished_on date,
    opened_by text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_round PRIMARY KEY (round_id),
    CONSTRAINT fk_round_rule_set_id_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_set (rule_set_id),
    CONSTRAINT ck_round_status CHECK (status IN ('open', 'ranked', 'published', 'finished', 'cancelled')),
    CONSTRAINT ck_round_purpose CHECK (purpose IN ('school', 'housing', 'settlement', 'health_check', 'rest_leave', 'other')),
    CONSTRAINT ck_round_quota CHECK (quota > 0),
    CONSTRAINT ck_round_version CHECK (version > 0)
);
CREATE INDEX ix_round_created_at ON round (created_at, round_id);
COMMENT ON TABLE round IS 'retention: aggregate';

CREATE TABLE round_place (
    place_id uuid NOT NULL,
    round_id uuid NOT NULL,
    application_id uuid NOT NULL,
    person_id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    town text NOT NULL,
    rank integer NOT NULL,
    outcome text NOT NULL,
    given_up_on date,
    moved_up_on date,
    sealed bytea,
    CONSTRAINT pk_round_place PRIMARY KEY (place_id),
    CONSTRAINT fk_round_place_round_id_round FOREIGN KEY (round_id) REFERENCES round (round_id),
    CONSTRAINT fk_round_place_application_id_application FOREIGN KEY (application_id) REFERENCES application (application_id),
    CONSTRAINT ck_round_place_outcome CHECK (outcome IN ('admitted', 'below_the_cut', 'town_limit')),
    CONSTRAINT ck_round_place_rank CHECK (rank > 0)
);
CREATE UNIQUE INDEX uq_round_place_application ON round_place (round_id, application_id);
CREATE INDEX ix_round_place_rank ON round_place (round_id, rank, place_id);
CREATE INDEX ix_round_place_person_id ON round_place (person_id);
COMMENT ON TABLE round_place IS 'retention: person; total and name go with the person';

CREATE TABLE round_objection (
    objection_id uuid NOT NULL,
    round_id uuid NOT NULL,
    application_id uuid NOT NULL,
    person_id uuid NOT NULL,
    status text NOT NULL,
    raised_on date NOT NULL,
    due_on date NOT NULL,
    is_due_provisional boolean NOT NULL,
    answered_on date,
    answered_by text,
    settled_on date,
    sealed bytea,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_round_objection PRIMARY KEY (objection_id),
    CONSTRAINT fk_round_objection_round_id_round FOREIGN KEY (round_id) REFERENCES round (round_id),
    CONSTRAINT fk_round_objection_application_id_application FOREIGN KEY (application_id) REFERENCES application (application_id),
    CONSTRAINT ck_round_objection_status CHECK (status IN ('open', 'upheld', 'dismissed')),
    CONSTRAINT ck_round_objection_version CHECK (version > 0)
);
CREATE INDEX ix_round_objection_round_id ON round_objection (round_id);
COMMENT ON TABLE round_objection IS 'retention: person; what was said goes with the person';
"""

_POLICIES = """
SELECT protect_rows('round'), protect_rows('round_place'), protect_rows('round_objection');
CREATE POLICY offices_see ON round FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_open ON round FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_act ON round FOR UPDATE USING (is_in_row_division(division_code));
-- What stands in a round is its office's.
CREATE POLICY offices_see ON round_place FOR SELECT
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_place.round_id));
CREATE POLICY offices_rank ON round_place FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM round r WHERE r.round_id = round_place.round_id));
CREATE POLICY offices_act ON round_place FOR UPDATE
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_place.round_id));
CREATE POLICY offices_rank_again ON round_place FOR DELETE
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_place.round_id));
CREATE POLICY offices_see ON round_objection FOR SELECT
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_objection.round_id));
CREATE POLICY offices_take ON round_objection FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM round r WHERE r.round_id = round_objection.round_id));
CREATE POLICY offices_answer ON round_objection FOR UPDATE
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_objection.round_id));
CREATE POLICY clients_see_rounds ON history FOR SELECT USING (
    resource = 'round' AND EXISTS (SELECT FROM round r WHERE r.round_id = history.resource_id));
CREATE POLICY clients_see_round_objections ON history FOR SELECT USING (
    resource = 'round_objection' AND EXISTS (SELECT FROM round_objection o WHERE o.objection_id = history.resource_id));
"""


def upgrade() -> None:
    execute_script(op, _TABLES)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("what was published stays known")
