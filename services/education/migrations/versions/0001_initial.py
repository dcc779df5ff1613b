"""Mirrors of the registry; schools, their classes and places; and who sees them.

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
    hukou_division_code text,
    no_document_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_person IS 'retention: mirror';

CREATE TABLE mirror_person_document (
    token text NOT NULL,
    key_id text NOT NULL,
    person_id uuid NOT NULL,
    document_type text NOT NULL,
    CONSTRAINT pk_mirror_person_document PRIMARY KEY (token, key_id, person_id)
);
COMMENT ON TABLE mirror_person_document IS 'retention: mirror';
CREATE INDEX ix_mirror_person_document_person_id ON mirror_person_document (person_id);

CREATE TABLE mirror_person_alias (
    person_id uuid NOT NULL,
    canonical_person_id uuid NOT NULL,
    unmerged_on date,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_mirror_person_alias_guard CHECK (version > 0 AND sequence > 0),
    CONSTRAINT pk_mirror_person_alias PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_alias_two_ids CHECK (person_id <> canonical_person_id)
);
COMMENT ON TABLE mirror_person_alias IS 'retention: mirror';
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
COMMENT ON TABLE mirror_relationship IS 'retention: mirror';
CREATE INDEX ix_mirror_relationship_person_id ON mirror_relationship (person_id);
CREATE INDEX ix_mirror_relationship_related_person_id ON mirror_relationship (related_person_id);

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
COMMENT ON TABLE mirror_residence_registration IS 'retention: mirror';
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
COMMENT ON TABLE mirror_residence_permit IS 'retention: mirror';
CREATE INDEX ix_mirror_residence_permit_person_id ON mirror_residence_permit (person_id);

CREATE TABLE mirror_employment (
    employment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    employer_id uuid NOT NULL,
    division_code text NOT NULL,
    industry_code text NOT NULL,
    occupation_code text NOT NULL,
    started_on date NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_employment PRIMARY KEY (employment_id),
    CONSTRAINT ck_mirror_employment_guard CHECK (version > 0 AND sequence > 0)
);
CREATE INDEX ix_mirror_employment_person_id ON mirror_employment (person_id);
COMMENT ON TABLE mirror_employment IS 'retention: mirror';

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
"""

_SCHOOLS = """
CREATE TABLE school (
    school_id uuid NOT NULL,
    school_code text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    division_code text NOT NULL,
    first_grade integer NOT NULL,
    last_grade integer NOT NULL,
    closed_on date,
    close_reason text,
    registered_by text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_school PRIMARY KEY (school_id),
    CONSTRAINT uq_school_school_code UNIQUE (school_code),
    CONSTRAINT ck_school_kind CHECK (kind IN ('public', 'private')),
    CONSTRAINT ck_school_grades CHECK (first_grade >= 1 AND first_grade <= last_grade AND last_grade <= 9),
    CONSTRAINT ck_school_version CHECK (version > 0)
);
CREATE INDEX ix_school_created_at ON school (created_at, school_id);
COMMENT ON TABLE school IS 'retention: aggregate; placements name it';

CREATE TABLE class_report (
    school_id uuid NOT NULL,
    division_code text NOT NULL,
    as_of date NOT NULL,
    classes jsonb NOT NULL,
    reported_by text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_class_report PRIMARY KEY (school_id),
    CONSTRAINT fk_class_report_school_id_school FOREIGN KEY (school_id) REFERENCES school (school_id),
    CONSTRAINT ck_class_report_version CHECK (version > 0)
);
COMMENT ON TABLE class_report IS 'retention: aggregate';
"""

_PLACES = """
CREATE TABLE place_plan (
    plan_id uuid NOT NULL,
    school_id uuid NOT NULL,
    division_code text NOT NULL,
    entry_year integer NOT NULL,
    status text NOT NULL,
    areas text[] NOT NULL,
    grades jsonb NOT NULL,
    published_on date,
    published_by text,
    drafted_by text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_place_plan PRIMARY KEY (plan_id),
    CONSTRAINT fk_place_plan_school_id_school FOREIGN KEY (school_id) REFERENCES school (school_id),
    CONSTRAINT uq_place_plan_school_id UNIQUE (school_id, entry_year),
    CONSTRAINT ck_place_plan_status CHECK (status IN ('draft', 'published')),
    CONSTRAINT ck_place_plan_published_on CHECK ((status = 'published') = (published_on IS NOT NULL)),
    CONSTRAINT ck_place_plan_version CHECK (version > 0)
);
CREATE INDEX ix_place_plan_created_at ON place_plan (created_at, plan_id);
CREATE INDEX ix_place_plan_entry_year ON place_plan (entry_year);
COMMENT ON TABLE place_plan IS 'retention: aggregate; placements rest on it';

CREATE TABLE place_plan_correction (
    correction_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    division_code text NOT NULL,
    plan_version integer NOT NULL,
    corrected_on date NOT NULL,
    corrected_by text NOT NULL,
    reason text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_place_plan_correction PRIMARY KEY (correction_id),
    CONSTRAINT fk_place_plan_correction_plan_id_place_plan FOREIGN KEY (plan_id) REFERENCES place_plan (plan_id),
    CONSTRAINT uq_place_plan_correction_plan_id UNIQUE (plan_id, plan_version)
);
COMMENT ON TABLE place_plan_correction IS 'retention: aggregate; why places changed that families had counted on';

-- What families count on changes with a line in the log of corrections, or not at all, whoever writes.
CREATE FUNCTION keep_as_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_on IS NULL THEN
        RETURN NEW;
    END IF;
    IF (NEW.school_id, NEW.entry_year, NEW.status, NEW.published_on, NEW.published_by)
        IS DISTINCT FROM (OLD.school_id, OLD.entry_year, OLD.status, OLD.published_on, OLD.published_by)
    OR (NEW.areas, NEW.grades) IS DISTINCT FROM (OLD.areas, OLD.grades) AND NOT EXISTS (
        SELECT FROM place_plan_correction c WHERE c.plan_id = NEW.plan_id AND c.plan_version = NEW.version)
    THEN
        RAISE EXCEPTION 'what is published is corrected with a reason' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_as_published BEFORE UPDATE ON place_plan FOR EACH ROW EXECUTE FUNCTION keep_as_published();
"""

# One human may have several ids. Registered somewhere in sight now, or until less than two years ago; registered nowhere ever:
# held by the city as a whole (decision 0013). It reaches beyond the client's rows, and says only yes or no.
_SIGHT = (
    f"""
CREATE FUNCTION home_city() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '{_CITY}';
"""
    """
CREATE FUNCTION is_file_in_sight(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    asked_as text := widen_row_context();
    human uuid;
    ids uuid[];
    is_visible boolean;
BEGIN
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

-- What was seen is remembered until the transaction ends, with whose eyes and on which day; of what was not seen it is asked
-- again. Mirrors change by events, which are the service's own transactions, so nobody loses sight within one of a client's. A
-- list longer than some thousand ids costs more to look through than it spares.
CREATE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    eyes text := concat(row_division(), ' ', row_law_date(), ':');
    seen text := coalesce(current_setting('xinshimin.seen', true), '');
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    IF NOT starts_with(seen, eyes) THEN
        seen := eyes;
    END IF;
    IF position(CAST(of_person AS text) IN seen) > 0 THEN
        RETURN true;
    END IF;
    IF NOT is_file_in_sight(of_person) THEN
        RETURN false;
    END IF;
    IF length(seen) < 100000 THEN
        PERFORM set_config('xinshimin.seen', concat(seen, of_person, ' '), true);
    END IF;
    RETURN true;
END $$;
"""
)

# A draft is its office's; what was published is public, and so is its school. What a school reports of its classes is its office's.
_POLICIES = """
SELECT protect_rows(CAST(name AS regclass)) FROM unnest(ARRAY[
    'mirror_person', 'mirror_person_document', 'mirror_person_alias', 'mirror_relationship', 'mirror_residence_registration',
    'mirror_residence_permit', 'mirror_employment', 'mirror_person_deleted',
    'school', 'class_report', 'place_plan', 'place_plan_correction']) AS t (name);

CREATE POLICY clients_see ON mirror_person FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_person_document FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_person_alias FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_relationship FOR SELECT
    USING (is_file_visible(person_id) OR is_file_visible(related_person_id));
CREATE POLICY clients_see ON mirror_residence_registration FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_residence_permit FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_employment FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON inbox_position FOR SELECT USING (row_has_context());

CREATE POLICY clients_see ON place_plan FOR SELECT USING (is_in_row_division(division_code) OR published_on IS NOT NULL);
CREATE POLICY offices_draft ON place_plan FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_act ON place_plan FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON place_plan_correction FOR SELECT
    USING (EXISTS (SELECT FROM place_plan p WHERE p.plan_id = place_plan_correction.plan_id));
CREATE POLICY offices_correct ON place_plan_correction FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_see ON school FOR SELECT USING (is_in_row_division(division_code) OR EXISTS (
    SELECT FROM place_plan p WHERE p.school_id = school.school_id AND p.published_on IS NOT NULL));
CREATE POLICY offices_register ON school FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_act ON school FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY offices_see ON class_report FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_report ON class_report FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_report_again ON class_report FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY offices_see_schools ON history FOR SELECT USING (resource IN ('school', 'class_report') AND EXISTS (
    SELECT FROM school s WHERE s.school_id = history.resource_id AND is_in_row_division(s.division_code)));
CREATE POLICY offices_see_plans ON history FOR SELECT USING (resource = 'place_plan' AND EXISTS (
    SELECT FROM place_plan p WHERE p.plan_id = history.resource_id AND is_in_row_division(p.division_code)));
"""


def upgrade() -> None:
    """The chassis's tables, the mirrors, what this office owns, and the policies of all."""
    for number in range(1, _GROUND + 1):
        ground.apply(op, number)
    for script in (_MIRRORS, _SCHOOLS, _PLACES, _SIGHT, _POLICIES):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("the first revision is not taken back: drop the database")
