"""Row-level security: who sees which file (decision 0013).

Revision ID: 0006
Revises: 0005
"""

from pathlib import Path

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script
from services.chassis.parameters import Document, text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CITY_FILE = Path(__file__).parents[2] / "parameters" / "city.toml"
_CITY = Document.parse(_CITY_FILE.name, _CITY_FILE.read_text("utf-8")).value("city", text)

# One human may have several ids. Registered somewhere in sight now, or until less than two years ago; registered nowhere ever:
# held by the city as a whole. It reaches beyond the client's rows, and says only yes or no.
_RULE = f"""
CREATE FUNCTION home_city() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '{_CITY}';

CREATE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    human uuid;
    is_visible boolean;
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    human := coalesce((SELECT canonical_person_id FROM mirror_person_alias WHERE person_id = of_person), of_person);
    SELECT count(*) = 0 AND starts_with(home_city(), row_division()) OR coalesce(bool_or(
        is_in_row_division(division_code)
        AND (ended_on IS NULL OR ended_on > CAST(row_law_date() - interval '24 months' AS date))), false)
    INTO is_visible FROM mirror_residence_registration
    WHERE person_id = human
       OR person_id IN (SELECT person_id FROM mirror_person_alias WHERE canonical_person_id = human);
    PERFORM narrow_row_context(asked_as);
    RETURN is_visible;
END $$;
"""

_POLICIES = """
SELECT protect_rows(CAST(name AS regclass)) FROM unnest(ARRAY[
    'mirror_person', 'mirror_person_document', 'mirror_person_alias', 'mirror_relationship', 'mirror_residence_registration',
    'mirror_residence_permit', 'mirror_person_deleted']) AS t (name);

CREATE POLICY clients_see ON mirror_person FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_person_document FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_person_alias FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_relationship FOR SELECT
    USING (is_file_visible(person_id) OR is_file_visible(related_person_id));
CREATE POLICY clients_see ON mirror_residence_registration FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON mirror_residence_permit FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY clients_see ON inbox_position FOR SELECT USING (row_has_context());

COMMENT ON TABLE mirror_person IS 'retention: mirror';
COMMENT ON TABLE mirror_person_document IS 'retention: mirror';
COMMENT ON TABLE mirror_person_alias IS 'retention: mirror';
COMMENT ON TABLE mirror_relationship IS 'retention: mirror';
COMMENT ON TABLE mirror_residence_registration IS 'retention: mirror';
COMMENT ON TABLE mirror_person_deleted IS 'retention: years-3; V-33; ids only';
COMMENT ON TABLE mirror_residence_permit IS 'retention: mirror';
"""


def upgrade() -> None:
    """Policies first for the chassis's tables, then for the mirrors."""
    ground.apply(op, 6)
    execute_script(op, _RULE)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("rows that were protected stay protected")
