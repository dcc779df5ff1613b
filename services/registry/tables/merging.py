"""That two persons on the register are one human (architecture §1). Rows keep the id they came with; reads resolve it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import Table

_STANDS = text("unmerged_on IS NULL")


class PersonAlias(Table, table=True):
    """A merge, standing or taken back: `person_id` turned out to be `canonical_person_id`. `sealed`: the papers.

    Flat: of merges that stand no canonical person is an alias itself, which a trigger sees to.
    """

    __tablename__ = "person_alias"
    __table_args__ = (
        CheckConstraint("person_id <> canonical_person_id", name="two_ids"),
        CheckConstraint("(unmerged_on IS NULL) = (unmerge_reason IS NULL)", name="unmerged"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_person_alias_standing", "person_id", unique=True, postgresql_where=_STANDS),
        Index("ix_person_alias_person_id", "person_id"),
        Index("ix_person_alias_canonical_person_id", "canonical_person_id"),
        is_kept(Retention.PERSON),
    )

    merge_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    canonical_person_id: UUID = Field(foreign_key="person.person_id")
    reason: str = Field(sa_type=Text)
    merged_on: date
    unmerged_on: date | None
    unmerge_reason: str | None = Field(sa_type=Text)
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class MergeConflict(Table, table=True):
    """Two things of which one human has one at most, found by a merge. It is settled when one of them has ended or the merge is
    taken back, which is looked up and not written down.
    """

    __tablename__ = "merge_conflict"
    __table_args__ = (
        one_of(
            "kind",
            (
                *("residence_registration", "residence_permit", "stay", "employment", "historical_permit", "relationship"),
                "citizen_number",
            ),
        ),
        Index("ix_merge_conflict_merge_id", "merge_id"),
        Index("ix_merge_conflict_person_id", "person_id"),
        Index("ix_merge_conflict_created_at", "created_at", "conflict_id"),
        is_kept(Retention.PERSON),
    )

    conflict_id: UUID = Field(primary_key=True)
    merge_id: UUID = Field(foreign_key="person_alias.merge_id")
    person_id: UUID = Field(foreign_key="person.person_id", description="The canonical person.")
    kind: str = Field(sa_type=Text)
    canonical_thing_id: UUID = Field(description="Id of the registration, permit, document … of the canonical person.")
    duplicate_thing_id: UUID = Field(description="Id of the one that came with the duplicate.")
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("person_alias", "merge_id"),)
