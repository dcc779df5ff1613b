"""Persons, what they are to each other, where they live, and their permits."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, SmallInteger, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, digest, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import APPEND_ONLY, Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import Table


class Person(Table, table=True):
    """A human. `sealed`: name and phone. Visible to divisions through `PersonDivision` only."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        one_of("sex_code", ("0", "1", "2", "9")),
        one_of("no_document_reason", ("newborn", "lost", "never_issued")),
        digest("name_index"),
        Index("ix_person_name_index", "name_index", "person_id"),
        is_kept(Retention.PERSON),
    )

    person_id: UUID = Field(primary_key=True)
    sealed: bytes
    name_index: bytes
    birth_date: date
    sex_code: str = Field(sa_type=Text)
    ethnicity_code: str | None = Field(sa_type=Text)
    education_code: str | None = Field(sa_type=Text)
    hukou_division_code: str | None = Field(sa_type=Text)
    no_document_reason: str | None = Field(sa_type=Text)
    warnings: list[Any] = Field(sa_type=Jsonb, description="Doubts told to the caller, as given then.")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class IdentityDocument(Table, table=True):
    """One identity document. `sealed`: number as given, normalised number, issuer, papers about a shared number, papers by
    which it was found to be the human's. Current until superseded by a correction.

    A number is one person's, who has share 0 of it. In old records it may be another living person's, too (C-08): two officers
    state so, and that person's document has the next share.
    """

    __tablename__ = "identity_document"
    __table_args__ = (
        digest("number_index"),
        CheckConstraint("share >= 0", name="share"),
        Index(
            "uq_identity_document_share",
            "number_index",
            "share",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_identity_document_person_id", "person_id"),
        is_kept(Retention.PERSON),
    )

    document_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    type: str = Field(sa_type=Text)
    number_index: bytes = Field(description="Digest of number space and normalised number.")
    sealed: bytes
    share: int = Field(sa_type=SmallInteger, sa_column_kwargs={"server_default": text("0")})
    valid_from: date | None
    valid_until: date | None
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    superseded_at: datetime | None = Field(sa_type=INSTANT)


class PersonDivision(Table, table=True):
    """Why a division may see a person, and change what is about the person while the row is open: `intake` (entered there, not
    yet registered), a residence registration there, or an open permit. The last two come and go by triggers, and so does
    `alias`: whoever holds one id of a human holds the others (architecture §1).

    A row counts while `until` is null and for two years after (architecture §6); `since` and `until` are law dates.
    """

    __tablename__ = "person_division"
    __table_args__ = (
        one_of("source", ("intake", "residence_registration", "residence_permit", "alias")),
        CheckConstraint("until >= since", name="until"),
        Index(
            "uq_person_division_open",
            "person_id",
            "division_code",
            "source",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
        Index(
            "ix_person_division_intake",
            "since",
            "person_id",
            postgresql_where=text("source = 'intake' AND until IS NULL"),
        ),
        Index("ix_person_division_until", "until", "person_id", postgresql_where=text("until IS NOT NULL")),
        Index("ix_person_division_person_id", "person_id", postgresql_include=["division_code", "until", "is_restricted"]),
        is_kept(Retention.PERSON, "without effect two years after `until`"),
    )

    person_division_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    division_code: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    since: date
    until: date | None
    is_restricted: bool = Field(
        sa_column_kwargs={"server_default": text("false")}, description="Nothing is shown by this hold (V-20)."
    )


class PersonResolution(Table, table=True):
    """A client named the person by complete number and name; until `expires_at` it may read masked data and register the
    person.
    """

    __tablename__ = "person_resolution"
    __table_args__ = (is_kept(Retention.EXPIRY, "expires_at"),)

    person_id: UUID = Field(primary_key=True, foreign_key="person.person_id")
    client_id: str = Field(primary_key=True, sa_type=Text)
    expires_at: datetime = Field(sa_type=INSTANT)


class DeletedPerson(Table, table=True):
    """That there was a person, until it was deleted by law (V-19): no values, but who may be told so (towns, no finer)."""

    __tablename__ = "deleted_person"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        is_kept(Retention.YEARS_3, "V-33; ids only"),
    )

    person_id: UUID = Field(primary_key=True)
    version: int
    deleted_on: date
    deleted_at: datetime = Field(sa_type=INSTANT)
    reason: str = Field(sa_type=Text)
    legal_ground: str = Field(sa_type=Text)
    division_codes: list[str] = Field(sa_type=ARRAY(Text))


class Relationship(Table, table=True):
    """`related_person_id` is the `kind` of `person_id`. `sealed`: evidence."""

    __tablename__ = "relationship"
    __table_args__ = (
        one_of("kind", ("parent", "guardian", "spouse", "sibling")),
        CheckConstraint("person_id <> related_person_id", name="two_persons"),
        CheckConstraint("(ended_on IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("ended_on >= valid_from", name="ended_on"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_relationship_current",
            "person_id",
            "related_person_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_relationship_related_person_id", "related_person_id"),
        is_kept(Retention.PERSON),
    )

    relationship_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    related_person_id: UUID = Field(foreign_key="person.person_id")
    kind: str = Field(sa_type=Text)
    valid_from: date
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class ResidenceRegistration(Table, table=True):
    """Where a person lives; at most one is current per person. `sealed`: address."""

    __tablename__ = "residence_registration"
    __table_args__ = (
        one_of("status", ("current", "ended")),
        CheckConstraint("(status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)", name="ended"),
        CheckConstraint("started_on <= registered_on", name="started_on"),
        CheckConstraint("end_caused_by IS NULL OR ended_on IS NOT NULL", name="end_caused_by"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_residence_registration_current", "person_id", unique=True, postgresql_where=text("status = 'current'")),
        Index("ix_residence_registration_person_id", "person_id"),
        Index("ix_residence_registration_created_at", "created_at", "registration_id"),
        Index(
            "ix_residence_registration_division",
            "division_code",
            "created_at",
            "registration_id",
            postgresql_ops={"division_code": "text_pattern_ops"},
        ),
        is_kept(Retention.PERSON),
    )

    registration_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    status: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    sealed: bytes
    residence_kind: str = Field(sa_type=Text)
    reported_by: str = Field(sa_type=Text)
    reporter_person_id: UUID | None = Field(description="Without a foreign key: the id stays when its person is deleted.")
    registered_on: date
    started_on: date
    expected_end_on: date | None
    residence_since: date
    changed_on: date | None
    reported_late: bool
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    end_caused_by: UUID | None = Field(description="Id of a neighbour's event that ended it.")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class ResidencePermit(Table, table=True):
    """A permit from application to end; at most one is open per person. `sealed`: card number, evidence, officers' notes."""

    __tablename__ = "residence_permit"
    __table_args__ = (
        one_of("status", ("accepted", "refused", "withdrawn", "valid", "suspended", "ended")),
        one_of("card_status", ("in_use", "reported_lost", "replaced", "withdrawn")),
        CheckConstraint(
            "(status IN ('ended', 'withdrawn')) = (ended_on IS NOT NULL) AND (ended_on IS NULL) = (end_reason IS NULL)",
            name="ended",
        ),
        CheckConstraint(
            "(suspended_on IS NULL) = (suspension_cause IS NULL) AND (status <> 'suspended' OR suspended_on IS NOT NULL)"
            " AND (suspended_on IS NULL OR status IN ('suspended', 'ended'))",
            name="suspended",
        ),
        CheckConstraint("end_caused_by IS NULL OR ended_on IS NOT NULL", name="end_caused_by"),
        CheckConstraint("(status IN ('valid', 'suspended', 'ended')) = (issued_on IS NOT NULL)", name="issued"),
        CheckConstraint("(status = 'refused') = (accepted_on IS NULL)", name="accepted"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_residence_permit_open",
            "person_id",
            unique=True,
            postgresql_where=text("status IN ('accepted', 'valid', 'suspended')"),
        ),
        Index("ix_residence_permit_person_id", "person_id"),
        Index("ix_residence_permit_due_on", "due_on", postgresql_where=text("status = 'accepted'")),
        Index("ix_residence_permit_window", "endorsement_until", postgresql_where=text("status = 'valid'")),
        is_kept(Retention.PERSON),
    )

    permit_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id")
    registration_id: UUID | None = Field(foreign_key="residence_registration.registration_id")
    division_code: str | None = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    ground: str = Field(sa_type=Text)
    regime: str = Field(sa_type=Text)
    applicant: str = Field(sa_type=Text)
    applied_on: date
    eligible_from: date | None
    accepted_on: date | None
    due_on: date | None
    residence_start: date | None
    issued_on: date | None
    endorsement_anchor_on: date | None
    endorsement_from: date | None
    endorsement_until: date | None
    residence_years_from: date | None
    suspended_on: date | None
    suspension_cause: str | None = Field(sa_type=Text)
    card_status: str | None = Field(sa_type=Text)
    lost_on: date | None
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    end_caused_by: UUID | None = Field(description="Id of a neighbour's event that ended it.")
    reasons: list[Any] = Field(sa_type=Jsonb, description="Every reason of a refusal, with article and both texts.")
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class Endorsement(Table, table=True):
    """A decision on an endorsement (RR-30 to RR-33), accepted or refused, with the window it was asked for in."""

    __tablename__ = "endorsement"
    __table_args__ = (
        CheckConstraint("window_from <= window_until", name="window"),
        CheckConstraint("accepted OR NOT is_late", name="is_late"),
        Index("ix_endorsement_permit_id", "permit_id", "decided_on"),
        is_kept(Retention.PERSON, APPEND_ONLY),
    )

    endorsement_id: UUID = Field(primary_key=True)
    permit_id: UUID = Field(foreign_key="residence_permit.permit_id")
    person_id: UUID = Field(foreign_key="person.person_id")
    decided_on: date
    accepted: bool
    is_late: bool
    window_from: date = Field(description="The window that was waiting; inclusive.")
    window_until: date
    reasons: list[Any] = Field(sa_type=Jsonb, description="Every reason of a refusal.")
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (
    SealedColumn.of("person", "person_id"),
    SealedColumn.of("identity_document", "document_id"),
    SealedColumn.of("relationship", "relationship_id"),
    SealedColumn.of("residence_registration", "registration_id"),
    SealedColumn.of("residence_permit", "permit_id"),
)
"""What the store seals; a rotation of keys goes through it."""
