"""What health keeps of the registry: mirrors filled from events alone, with only the fields vaccination asks for.

`version` is the registry's version of the subject. `sequence` is the place of the event that told it in the order of its
person, and guards the row: older news never overwrites newer. `updated_at` (system clock) is when it was written here. `*_on`
are law dates.

Mirrors have no foreign keys, because events about two persons come in any order, and no CHECK on codes, because which codes
exist is the registry's business and a new one must not stop the mirror.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field

from services.chassis.columns import INSTANT, is_kept
from services.chassis.retention import Retention
from services.health.tables.ground import Table

_KEPT = is_kept(Retention.MIRROR)


def _guarded() -> CheckConstraint:
    return CheckConstraint("version > 0 AND sequence > 0", name="guard")


class MirrorPerson(Table, table=True):
    """A person as the registry tells its neighbours; the name is masked."""

    __tablename__ = "mirror_person"
    __table_args__ = (_guarded(), Index("ix_mirror_person_birth_date", "birth_date"), _KEPT)

    person_id: UUID = Field(primary_key=True)
    masked_name: str = Field(sa_type=Text)
    birth_date: date
    sex_code: str = Field(sa_type=Text)
    version: int
    sequence: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)


class MirrorPersonAlias(Table, table=True):
    """An id that turned out to be another person's: rows keep the id they came with, reads resolve it (architecture §1).

    Flat: `canonical_person_id` is never itself an alias. A merge that was taken back stays as a row with `unmerged_on` and
    without effect, so that older news of it finds newer.
    """

    __tablename__ = "mirror_person_alias"
    __table_args__ = (
        _guarded(),
        CheckConstraint("person_id <> canonical_person_id", name="two_ids"),
        Index("ix_mirror_person_alias_canonical_person_id", "canonical_person_id"),
        _KEPT,
    )

    person_id: UUID = Field(primary_key=True)
    canonical_person_id: UUID
    unmerged_on: date | None
    version: int
    sequence: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)


class MirrorPersonDeleted(Table, table=True):
    """Persons the registry deleted: nothing that arrives later brings them back into the mirror."""

    __tablename__ = "mirror_person_deleted"
    __table_args__ = (_guarded(), is_kept(Retention.YEARS_3, "V-33; ids only"))

    person_id: UUID = Field(primary_key=True)
    deleted_on: date
    version: int
    sequence: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)


class MirrorResidenceRegistration(Table, table=True):
    """Where a person lives or lived: whose clinic vaccinates (IMM-52), since when, and which divisions may see the card."""

    __tablename__ = "mirror_residence_registration"
    __table_args__ = (_guarded(), Index("ix_mirror_residence_registration_person_id", "person_id"), _KEPT)

    registration_id: UUID = Field(primary_key=True)
    person_id: UUID
    status: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    started_on: date
    residence_since: date
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    version: int
    sequence: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)
