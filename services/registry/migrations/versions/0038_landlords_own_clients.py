"""A landlord's own client: it sees its homes and the guests it has, or had, and keeps the book of those alone (decision 0018).

Revision ID: 0038
Revises: 0037
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# Whose guest somebody is or was: a home may pass on to another landlord, who has nothing to do with who had left by then.
_GUESTS = """
ALTER TABLE stay ADD COLUMN landlord_id uuid;
UPDATE stay s SET landlord_id = p.landlord_id FROM premises p WHERE p.premises_id = s.premises_id;
ALTER TABLE stay ALTER COLUMN landlord_id SET NOT NULL;
ALTER TABLE stay ADD CONSTRAINT fk_stay_landlord_id_landlord FOREIGN KEY (landlord_id) REFERENCES landlord (landlord_id);

CREATE FUNCTION guests_are_the_landlords() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.landlord_id := (SELECT p.landlord_id FROM premises p WHERE p.premises_id = NEW.premises_id);
    RETURN NEW;
END $$;
CREATE TRIGGER guests_are_the_landlords BEFORE INSERT ON stay FOR EACH ROW EXECUTE FUNCTION guests_are_the_landlords();

CREATE FUNCTION guests_pass_on() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    UPDATE stay SET landlord_id = NEW.landlord_id WHERE premises_id = NEW.premises_id AND ended_at IS NULL;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER guests_pass_on AFTER UPDATE OF landlord_id ON premises FOR EACH ROW
    WHEN (OLD.landlord_id <> NEW.landlord_id) EXECUTE FUNCTION guests_pass_on();
"""

_IS_OWN = "CAST({}.landlord_id AS text) = row_unit()"
_IS_IN_OWN = f"EXISTS (SELECT FROM premises p WHERE p.premises_id = {{}}.premises_id AND {_IS_OWN.format('p')})"

# The unit of a landlord is its id. Homes are locked for a check-in, and nothing of them is changed.
_POLICIES = f"""
CREATE POLICY units_see ON landlord FOR SELECT USING ({_IS_OWN.format("landlord")});
CREATE POLICY units_see ON premises FOR SELECT USING ({_IS_OWN.format("premises")});
CREATE POLICY units_lock ON premises FOR UPDATE USING ({_IS_OWN.format("premises")}) WITH CHECK (false);
CREATE POLICY units_see ON room FOR SELECT USING ({_IS_IN_OWN.format("room")});
CREATE POLICY units_see ON inspection FOR SELECT USING ({_IS_IN_OWN.format("inspection")});
CREATE POLICY units_see ON stay FOR SELECT USING ({_IS_OWN.format("stay")} AND (
    ended_at IS NULL
    OR CAST(ended_at AT TIME ZONE 'Asia/Shanghai' AS date) > row_seen_since() AND NOT EXISTS (
        SELECT FROM restricted_id r WHERE r.person_id = stay.person_id OFFSET 0)));
CREATE POLICY units_check_in ON stay FOR INSERT WITH CHECK ({_IS_OWN.format("stay")}
    AND EXISTS (SELECT FROM person_resolution a WHERE a.person_id = stay.person_id OFFSET 0));
"""


def upgrade() -> None:
    """Guests are a landlord's, and a landlord's client sees them."""
    for script in (_GUESTS, _POLICIES):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("whose guest somebody was stays known")
