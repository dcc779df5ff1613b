"""Mirrors of the registry; vaccination cards, doses and what comes next; and who sees them.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script
from services.chassis.parameters import Document, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CITY_FILE = Path(__file__).parents[2] / "parameters" / "city.toml"
_CITY = Document.parse(_CITY_FILE.name, _CITY_FILE.read_text("utf-8")).value("city", text)
_GROUND = 6

_MIRRORS = """
CREATE TABLE mirror_person (
    person_id uuid NOT NULL,
    masked_name text NOT NULL,
    birth_date date NOT NULL,
    sex_code text NOT NULL,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_guard CHECK (version > 0 AND sequence > 0)
);
CREATE INDEX ix_mirror_person_birth_date ON mirror_person (birth_date);
COMMENT ON TABLE mirror_person IS 'retention: mirror';

CREATE TABLE mirror_person_alias (
    person_id uuid NOT NULL,
    canonical_person_id uuid NOT NULL,
    unmerged_on date,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person_alias PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_alias_guard CHECK (version > 0 AND sequence > 0),
    CONSTRAINT ck_mirror_person_alias_two_ids CHECK (person_id <> canonical_person_id)
);
CREATE INDEX ix_mirror_person_alias_canonical_person_id ON mirror_person_alias (canonical_person_id);
COMMENT ON TABLE mirror_person_alias IS 'retention: mirror';

CREATE TABLE mirror_person_deleted (
    person_id uuid NOT NULL,
    deleted_on date NOT NULL,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person_deleted PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_deleted_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_person_deleted IS 'retention: years-3; V-33; ids only';

CREATE TABLE mirror_residence_registration (
    registration_id uuid NOT NULL,
    person_id uuid NOT NULL,
    status text NOT NULL,
    division_code text NOT NULL,
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
CREATE INDEX ix_mirror_residence_registration_person_id ON mirror_residence_registration (person_id);
COMMENT ON TABLE mirror_residence_registration IS 'retention: mirror';
"""

_CARDS = """
CREATE TABLE vaccination_card (
    card_id uuid NOT NULL,
    person_id uuid NOT NULL,
    division_code text NOT NULL,
    clinic_code text NOT NULL,
    status text NOT NULL,
    basis text NOT NULL,
    opened_on date NOT NULL,
    due_on date,
    certificate_issued_on date,
    checked_on date NOT NULL,
    away_since date,
    moved_out_on date,
    has_facts boolean NOT NULL,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_vaccination_card PRIMARY KEY (card_id),
    CONSTRAINT ck_vaccination_card_status CHECK (status IN (
        'arrived', 'registered', 'active', 'away', 'moved_out', 'aged_out', 'archived')),
    CONSTRAINT ck_vaccination_card_basis CHECK (basis IN ('birth', 'residence', 'request', 'transfer')),
    CONSTRAINT ck_vaccination_card_version CHECK (version > 0),
    CONSTRAINT ck_vaccination_card_moved_out CHECK (status <> 'moved_out' OR moved_out_on IS NOT NULL),
    CONSTRAINT ck_vaccination_card_away CHECK ((status = 'away') = (away_since IS NOT NULL)),
    CONSTRAINT uq_vaccination_card_person_id UNIQUE (person_id)
);
CREATE INDEX ix_vaccination_card_clinic_code ON vaccination_card (clinic_code, status);
CREATE INDEX ix_vaccination_card_created_at ON vaccination_card (created_at, card_id);
COMMENT ON TABLE vaccination_card IS 'retention: person; V-65; IMM-58 asks for fifteen years after the sixth birthday';

CREATE TABLE card_conflict (
    conflict_id uuid NOT NULL,
    person_id uuid NOT NULL,
    card_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    opened_on date NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_card_conflict PRIMARY KEY (conflict_id),
    CONSTRAINT uq_card_conflict_pair UNIQUE (card_id, other_card_id),
    CONSTRAINT ck_card_conflict_order CHECK (card_id < other_card_id),
    CONSTRAINT fk_card_conflict_card_id FOREIGN KEY (card_id) REFERENCES vaccination_card (card_id),
    CONSTRAINT fk_card_conflict_other_card_id FOREIGN KEY (other_card_id) REFERENCES vaccination_card (card_id)
);
CREATE INDEX ix_card_conflict_created_at ON card_conflict (created_at, conflict_id);
CREATE INDEX ix_card_conflict_other_card_id ON card_conflict (other_card_id);
CREATE INDEX ix_card_conflict_person_id ON card_conflict (person_id);
COMMENT ON TABLE card_conflict IS 'retention: person; ids only';

CREATE TABLE card_forecast (
    card_id uuid NOT NULL,
    person_id uuid NOT NULL,
    as_of date NOT NULL,
    edition text NOT NULL,
    lines jsonb NOT NULL,
    next_on date,
    overdue_from date,
    version integer NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_card_forecast PRIMARY KEY (card_id),
    CONSTRAINT fk_card_forecast_card_id FOREIGN KEY (card_id) REFERENCES vaccination_card (card_id)
);
CREATE INDEX ix_card_forecast_as_of ON card_forecast (as_of);
CREATE INDEX ix_card_forecast_overdue_from ON card_forecast (overdue_from) WHERE overdue_from IS NOT NULL;
COMMENT ON TABLE card_forecast IS 'retention: person; computed from the doses';

CREATE TABLE dose (
    dose_id uuid NOT NULL,
    card_id uuid NOT NULL,
    person_id uuid NOT NULL,
    vaccine_code text NOT NULL,
    given_on date NOT NULL,
    status text NOT NULL,
    evidence text NOT NULL,
    funding text NOT NULL,
    is_campaign boolean NOT NULL,
    clinic_code text,
    division_code text NOT NULL,
    reports integer NOT NULL,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_dose PRIMARY KEY (dose_id),
    CONSTRAINT ck_dose_status CHECK (status IN ('recorded', 'withdrawn')),
    CONSTRAINT ck_dose_evidence CHECK (evidence IN ('given_here', 'certificate', 'electronic_record', 'statement')),
    CONSTRAINT ck_dose_funding CHECK (funding IN ('programme', 'family')),
    CONSTRAINT ck_dose_version CHECK (version > 0 AND reports > 0),
    CONSTRAINT fk_dose_card_id FOREIGN KEY (card_id) REFERENCES vaccination_card (card_id)
);
CREATE INDEX ix_dose_card_id ON dose (card_id);
CREATE INDEX ix_dose_person_id ON dose (person_id);
CREATE UNIQUE INDEX uq_dose_same_day ON dose (person_id, vaccine_code, given_on) WHERE status = 'recorded';
COMMENT ON TABLE dose IS 'retention: person; V-65; at least five years after the vaccine''s expiry';
"""

# One human may have several ids. Registered somewhere in sight now, or until less than two years ago; registered nowhere ever:
# held by the city as a whole (decision 0013). It reaches beyond the client's rows, and says only yes or no.
_SIGHT = f"""
CREATE FUNCTION home_city() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '{_CITY}';

CREATE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE
SET enable_seqscan = off AS $$
DECLARE
    asked_as text;
    human uuid;
    ids uuid[];
    is_visible boolean;
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    human := coalesce((SELECT canonical_person_id FROM mirror_person_alias
        WHERE person_id = of_person AND unmerged_on IS NULL), of_person);
    ids := human || ARRAY(SELECT person_id FROM mirror_person_alias WHERE canonical_person_id = human AND unmerged_on IS NULL);
    SELECT count(*) = 0 AND starts_with(home_city(), row_division()) OR coalesce(bool_or(
        is_in_row_division(division_code)
        AND (ended_on IS NULL OR ended_on > CAST(row_law_date() - interval '24 months' AS date))), false)
    INTO is_visible FROM mirror_residence_registration WHERE person_id = ANY (ids);
    PERFORM narrow_row_context(asked_as);
    RETURN is_visible;
END $$;
"""

# A card is seen by the offices in whose division it is kept, and by those that see the child; the latter may take it over, into
# their own division (IMM-52). What hangs on a card is seen and written with it.
_POLICIES = """
SELECT protect_rows(CAST(name AS regclass)) FROM unnest(ARRAY[
    'mirror_person', 'mirror_person_alias', 'mirror_person_deleted', 'mirror_residence_registration',
    'vaccination_card', 'dose', 'card_forecast', 'card_conflict']) AS t (name);

CREATE POLICY clients_see ON mirror_person FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_person_alias FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_residence_registration FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON inbox_position FOR SELECT USING (row_has_context());

CREATE POLICY offices_see ON vaccination_card FOR SELECT
    USING (is_in_row_division(division_code) OR is_file_visible(person_id));
CREATE POLICY offices_open ON vaccination_card FOR INSERT
    WITH CHECK (is_in_row_division(division_code) AND is_file_visible(person_id));
CREATE POLICY offices_act ON vaccination_card FOR UPDATE
    USING (is_in_row_division(division_code) OR is_file_visible(person_id)) WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_see ON dose FOR SELECT
    USING (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = dose.card_id));
CREATE POLICY offices_record ON dose FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = dose.card_id));
CREATE POLICY offices_act ON dose FOR UPDATE
    USING (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = dose.card_id));
CREATE POLICY offices_see ON card_forecast FOR SELECT
    USING (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = card_forecast.card_id));
CREATE POLICY offices_write ON card_forecast FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = card_forecast.card_id));
CREATE POLICY offices_act ON card_forecast FOR UPDATE
    USING (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = card_forecast.card_id));
CREATE POLICY offices_see ON card_conflict FOR SELECT
    USING (EXISTS (SELECT FROM vaccination_card c WHERE c.card_id IN (card_conflict.card_id, card_conflict.other_card_id)));
CREATE POLICY clients_see_cards ON history FOR SELECT USING (
    resource = 'vaccination_card' AND EXISTS (SELECT FROM vaccination_card c WHERE c.card_id = history.resource_id));
CREATE POLICY clients_see_doses ON history FOR SELECT USING (
    resource = 'dose' AND EXISTS (SELECT FROM dose d WHERE d.dose_id = history.resource_id));
"""

_DOORS = """
-- Whether a human has a card, under whatever id and in whatever office: told as yes or no.
CREATE FUNCTION is_carded(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    human uuid;
    found boolean;
BEGIN
    human := coalesce((SELECT canonical_person_id FROM mirror_person_alias
        WHERE person_id = of_person AND unmerged_on IS NULL), of_person);
    SELECT EXISTS (SELECT FROM vaccination_card WHERE person_id = human OR person_id IN (
        SELECT person_id FROM mirror_person_alias WHERE canonical_person_id = human AND unmerged_on IS NULL)) INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;

-- What the engine asks for of the children of these cards, as far as the cards are in sight: who it is, and the counted doses
-- recorded under all ids of the human, also those of another office. A child is not vaccinated twice because it is known twice.
CREATE FUNCTION children_of_cards(cards uuid[]) RETURNS TABLE (
    card_id uuid, person_id uuid, division_code text, birth_date date, sex_code text, has_facts boolean, sealed bytea,
    doses jsonb
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    seen uuid[] := ARRAY(SELECT c.card_id FROM vaccination_card c WHERE c.card_id = ANY (cards));
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    SELECT c.card_id, c.person_id, c.division_code, p.birth_date, p.sex_code, c.has_facts, c.sealed, coalesce((
        SELECT jsonb_agg(jsonb_build_array(d.dose_id, d.vaccine_code, d.given_on, d.is_campaign, d.funding = 'family')
            ORDER BY d.given_on, d.dose_id)
        FROM dose d WHERE d.person_id = ANY (h.ids) AND d.status = 'recorded' AND d.evidence <> 'statement'), '[]')
    FROM vaccination_card c
    LEFT JOIN mirror_person_alias a ON a.person_id = c.person_id AND a.unmerged_on IS NULL
    CROSS JOIN LATERAL (SELECT coalesce(a.canonical_person_id, c.person_id) AS human) w
    CROSS JOIN LATERAL (SELECT w.human || ARRAY(SELECT o.person_id FROM mirror_person_alias o
        WHERE o.canonical_person_id = w.human AND o.unmerged_on IS NULL) AS ids) h
    JOIN mirror_person p ON p.person_id = w.human
    WHERE c.card_id = ANY (seen);
    PERFORM narrow_row_context(asked_as);
END $$;

-- Pairs of cards in use of one human, of these humans by ids in use, as far as the asking context sees.
CREATE FUNCTION cards_in_conflict(humans uuid[]) RETURNS TABLE (
    person_id uuid, card_id uuid, other_card_id uuid, division_codes text[]
) LANGUAGE sql STABLE AS $$
    WITH named AS (
        SELECT h.human, h.human AS id FROM unnest(humans) AS h (human)
        UNION ALL
        SELECT m.canonical_person_id, m.person_id FROM mirror_person_alias m
        WHERE m.canonical_person_id = ANY (humans) AND m.unmerged_on IS NULL
    ), held AS (
        SELECT n.human, c.card_id, c.division_code FROM named n JOIN vaccination_card c ON c.person_id = n.id
        WHERE c.status NOT IN ('moved_out', 'archived')
    )
    SELECT one.human, one.card_id, other.card_id, ARRAY[one.division_code, other.division_code]
    FROM held one JOIN held other ON other.human = one.human AND other.card_id > one.card_id
$$;

-- Whether both are still in use and still of one human: told as yes or no, though one may be another office's.
CREATE FUNCTION is_card_conflict_open(of_conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (
        SELECT FROM card_conflict c
        LEFT JOIN mirror_person_alias m ON m.person_id = c.person_id AND m.unmerged_on IS NULL
        CROSS JOIN LATERAL cards_in_conflict(ARRAY[coalesce(m.canonical_person_id, c.person_id)]) p
        WHERE c.conflict_id = of_conflict AND (p.card_id, p.other_card_id) = (c.card_id, c.other_card_id)
    ) INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """The chassis's tables, the mirrors, what this office owns, and the policies of all."""
    for number in range(1, _GROUND + 1):
        ground.apply(op, number)
    for script in (_MIRRORS, _CARDS, _SIGHT, _POLICIES, _DOORS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("the first revision is not taken back: drop the database")
