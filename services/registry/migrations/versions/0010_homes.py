"""Homes: landlords, letters, premises with their rooms, stays.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE landlord (
    landlord_id uuid NOT NULL,
    kind text NOT NULL,
    division_code text NOT NULL,
    person_id uuid,
    number_index bytea,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_landlord PRIMARY KEY (landlord_id),
    CONSTRAINT ck_landlord_kind CHECK (kind IN ('person', 'organisation')),
    CONSTRAINT ck_landlord_person_id CHECK (kind = 'person' OR person_id IS NULL),
    CONSTRAINT ck_landlord_version CHECK (version > 0),
    CONSTRAINT ck_landlord_number_index CHECK (octet_length(number_index) = 32),
    CONSTRAINT fk_landlord_person_id FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE SET NULL
);
CREATE INDEX ix_landlord_division ON landlord (division_code text_pattern_ops, created_at, landlord_id);
CREATE UNIQUE INDEX uq_landlord_number ON landlord (division_code, number_index);
CREATE UNIQUE INDEX uq_landlord_person ON landlord (division_code, person_id);
COMMENT ON TABLE landlord IS 'retention: aggregate; a party to lettings; nothing of it is in any history';
SELECT protect_rows('landlord');

CREATE TABLE responsibility_letter (
    letter_id uuid NOT NULL,
    landlord_id uuid NOT NULL,
    division_code text NOT NULL,
    signed_on date NOT NULL,
    valid_until date NOT NULL,
    ended_on date,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_responsibility_letter PRIMARY KEY (letter_id),
    CONSTRAINT ck_responsibility_letter_valid_until CHECK (valid_until > signed_on),
    CONSTRAINT ck_responsibility_letter_ended_on CHECK (ended_on >= signed_on),
    CONSTRAINT ck_responsibility_letter_version CHECK (version > 0),
    CONSTRAINT fk_responsibility_letter_landlord_id FOREIGN KEY(landlord_id) REFERENCES landlord (landlord_id)
);
CREATE INDEX ix_responsibility_letter_landlord ON responsibility_letter (landlord_id, signed_on);
COMMENT ON TABLE responsibility_letter IS 'retention: aggregate';
SELECT protect_rows('responsibility_letter');

CREATE TABLE premises (
    premises_id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    division_code text NOT NULL,
    landlord_id uuid NOT NULL,
    address_index bytea NOT NULL,
    sealed bytea NOT NULL,
    storeys integer,
    let_from date NOT NULL,
    report_due_on date,
    reported_late boolean,
    ended_on date,
    end_reason text,
    end_reported_late boolean,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_premises PRIMARY KEY (premises_id),
    CONSTRAINT ck_premises_kind CHECK (kind IN ('rental_home', 'concentrated_point', 'employer_dormitory')),
    CONSTRAINT ck_premises_status CHECK (status IN ('registered', 'ended')),
    CONSTRAINT ck_premises_ended CHECK ((status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)),
    CONSTRAINT ck_premises_ended_on CHECK (ended_on >= let_from),
    CONSTRAINT ck_premises_version CHECK (version > 0),
    CONSTRAINT ck_premises_address_index CHECK (octet_length(address_index) = 32),
    CONSTRAINT fk_premises_landlord_id FOREIGN KEY(landlord_id) REFERENCES landlord (landlord_id)
);
CREATE INDEX ix_premises_division ON premises (division_code text_pattern_ops, created_at, premises_id);
CREATE INDEX ix_premises_landlord ON premises (landlord_id);
CREATE UNIQUE INDEX uq_premises_address ON premises (address_index) WHERE status = 'registered';
COMMENT ON TABLE premises IS 'retention: aggregate';
SELECT protect_rows('premises');

CREATE TABLE room (
    room_id uuid NOT NULL,
    premises_id uuid NOT NULL,
    division_code text NOT NULL,
    label text NOT NULL,
    kind text NOT NULL,
    usable_area_dm2 integer,
    beds integer NOT NULL,
    is_let boolean NOT NULL,
    CONSTRAINT pk_room PRIMARY KEY (room_id),
    CONSTRAINT ck_room_kind CHECK (kind IN
        ('bedroom', 'living_room', 'kitchen', 'bathroom', 'balcony', 'underground_storeroom', 'other')),
    CONSTRAINT ck_room_usable_area_dm2 CHECK (usable_area_dm2 > 0),
    CONSTRAINT ck_room_beds CHECK (beds >= 0),
    CONSTRAINT fk_room_premises_id FOREIGN KEY(premises_id) REFERENCES premises (premises_id)
);
CREATE UNIQUE INDEX uq_room_label ON room (premises_id, label);
COMMENT ON TABLE room IS 'retention: aggregate';
SELECT protect_rows('room');

CREATE TABLE stay (
    stay_id uuid NOT NULL,
    person_id uuid NOT NULL,
    premises_id uuid NOT NULL,
    room_id uuid NOT NULL,
    division_code text NOT NULL,
    bed integer,
    started_at timestamptz NOT NULL,
    report_due_on date,
    reported_late boolean,
    ended_at timestamptz,
    end_reason text,
    end_reported_late boolean,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_stay PRIMARY KEY (stay_id),
    CONSTRAINT ck_stay_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CONSTRAINT ck_stay_ended_at CHECK (ended_at >= started_at),
    CONSTRAINT ck_stay_bed CHECK (bed > 0),
    CONSTRAINT ck_stay_version CHECK (version > 0),
    CONSTRAINT fk_stay_person_id FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    CONSTRAINT fk_stay_premises_id FOREIGN KEY(premises_id) REFERENCES premises (premises_id),
    CONSTRAINT fk_stay_room_id FOREIGN KEY(room_id) REFERENCES room (room_id)
);
CREATE INDEX ix_stay_person ON stay (person_id, created_at);
CREATE INDEX ix_stay_premises ON stay (premises_id, created_at, stay_id);
CREATE UNIQUE INDEX uq_stay_bed ON stay (room_id, bed) WHERE ended_at IS NULL AND bed IS NOT NULL;
CREATE UNIQUE INDEX uq_stay_open ON stay (person_id) WHERE ended_at IS NULL;
COMMENT ON TABLE stay IS 'retention: person';
SELECT protect_rows('stay');
"""

_POLICIES = """
-- A home, its rooms, its landlord and the letters belong to the division they lie in.
CREATE POLICY clients_see ON landlord FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_register ON landlord FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_change ON landlord FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON responsibility_letter FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_register ON responsibility_letter FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_change ON responsibility_letter FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON premises FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_register ON premises FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_change ON premises FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON room FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_register ON room FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_change ON room FOR UPDATE USING (is_in_row_division(division_code));

-- A stay is the business of the home's division while it lasts and for two years after; a guest is somebody the client sees
-- or has resolved. It gives no hold on the person: that is the registration's.
CREATE POLICY clients_see ON stay FOR SELECT
    USING (is_in_row_division(division_code) AND (ended_at IS NULL OR ended_at > row_seen_since()));
CREATE POLICY clients_check_in ON stay FOR INSERT WITH CHECK (is_in_row_division(division_code) AND (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = stay.person_id OFFSET 0)
    OR EXISTS (SELECT FROM person_resolution a WHERE a.person_id = stay.person_id OFFSET 0)));

CREATE POLICY homes_see ON history FOR SELECT USING (
    CASE resource
    WHEN 'landlord' THEN EXISTS (SELECT FROM landlord l WHERE l.landlord_id = history.resource_id)
    WHEN 'responsibility_letter' THEN
        EXISTS (SELECT FROM responsibility_letter l WHERE l.letter_id = history.resource_id)
    WHEN 'premises' THEN EXISTS (SELECT FROM premises p WHERE p.premises_id = history.resource_id)
    WHEN 'stay' THEN EXISTS (SELECT FROM stay s WHERE s.stay_id = history.resource_id)
    ELSE false
    END);
"""

_BEYOND_THE_ROWS = """
-- A person sleeps in one place: whoever checks in a person it sees or has resolved meets the open stay, wherever that is.
CREATE FUNCTION open_stay_of(of_person uuid) RETURNS SETOF stay LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        RETURN QUERY SELECT * FROM stay WHERE person_id = of_person AND ended_at IS NULL;
        PERFORM narrow_row_context(asked_as);
    END IF;
END $$;

-- The home's division ends a stay, and so does the check-in elsewhere of a person in sight or resolved; nothing else of it changes.
-- What ended long ago is out of sight from then on, so a policy cannot let the client itself write it.
CREATE FUNCTION end_stay(
    of_person uuid, open_stay uuid, ends_at timestamptz, reason text, is_late boolean, next_version integer, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    is_done boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM stay WHERE stay_id = open_stay)
        AND NOT EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE stay SET ended_at = ends_at, end_reason = reason, end_reported_late = is_late, version = next_version,
        updated_at = at
        WHERE stay_id = open_stay AND person_id = of_person AND ended_at IS NULL AND version = next_version - 1;
    is_done := FOUND;
    PERFORM narrow_row_context(asked_as);
    RETURN is_done;
END $$;
"""


def upgrade() -> None:
    """Deleting a person takes its stays along and its name from its lettings, by the foreign keys."""
    for script in (_TABLES, _POLICIES, _BEYOND_THE_ROWS):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP POLICY homes_see ON history")
    op.execute("DROP FUNCTION end_stay")
    op.execute("DROP FUNCTION open_stay_of")
    op.execute("DROP TABLE stay, room, premises, responsibility_letter, landlord")
