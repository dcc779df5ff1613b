"""Residence registrations at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, Notice, PlainText, UnmaskedText, pattern_field
from services.registry.rules.residence_registration import InstitutionStay, RegistrationEndReason, Reporter, ResidenceKind

DivisionCode = Annotated[
    PlainText,
    pattern_field(
        "^[0-9]{6}([0-9]{3}){0,2}$",
        description="Division of residence: county (6 digits), township (9) or village (12).",
        examples=["330282107"],
    ),
]
Address = Annotated[
    UnmaskedText,
    Field(max_length=200, description="Address below the division, kept encrypted.", examples=["掌起镇陈家村东路12号201室"]),
]


class RegistrationStatus(StrEnum):
    """Whether the person is registered there now."""

    CURRENT = "current"
    ENDED = "ended"


class ResidenceRegistrationEntry(Command):
    """Where a person lives. The half year of a residence permit runs from the day this is registered (RR-10)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "division_code": "330282107",
                    "address": "陈家村东路12号201室",
                    "residence_kind": "rented",
                    "started_on": "2026-03-01",
                    "reported_by": "self",
                }
            ]
        }
    )

    person_id: UUID
    division_code: DivisionCode
    address: Address
    residence_kind: ResidenceKind
    started_on: date = Field(description="Day from which the person lives there; not in the future.")
    reported_by: Reporter
    reporter_person_id: UUID | None = Field(None, description="The guardian or relative who reports, when registered here.")
    expected_end_on: date | None = Field(None, description="Expected end of the stay; short stays may be exempt (RR-08).")
    institution_stay: InstitutionStay | None = Field(
        None, description="Stay that the institution registers and reports (RR-07)."
    )
    is_with_close_relatives_of_local_hukou: bool = Field(
        default=False, description="Stays with close relatives of local hukou (RR-08)."
    )


class AddressChange(Command):
    """A change of address within the same registration, to be told within 10 days (RR-09)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "changed_on": "2026-05-01",
                    "division_code": "330282107",
                    "address": "陈家村东路18号",
                    "residence_kind": "rented",
                }
            ]
        }
    )

    changed_on: date = Field(description="Day of the move; not in the future.")
    division_code: DivisionCode
    address: Address
    residence_kind: ResidenceKind | None = Field(None, description="Left out: as before.")


class RegistrationEnd(Command):
    """The end of a registration."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended_on": "2026-06-30", "reason": "left"}]})

    ended_on: date | None = Field(None, description="First day on which the person no longer lives there; today when left out.")
    reason: RegistrationEndReason


class RegistrationRecord(VersionedRecord):
    """The full state of a registration. Never leaves the service."""

    registration_id: UUID
    person_id: UUID
    status: RegistrationStatus
    division_code: str
    address: str = Field(repr=False)
    residence_kind: ResidenceKind
    reported_by: Reporter
    reporter_person_id: UUID | None
    registered_on: date
    started_on: date
    expected_end_on: date | None
    residence_since: date
    changed_on: date | None
    reported_late: bool
    ended_on: date | None
    end_reason: RegistrationEndReason | None
    end_caused_by: UUID | None = None


class RegistrationView(PersonalView):
    """A residence registration."""

    registration_id: UUID
    version: int
    person_id: UUID
    status: RegistrationStatus
    division_code: str
    address: str
    residence_kind: ResidenceKind | None
    reported_by: Reporter
    reporter_person_id: UUID | None
    registered_on: date = Field(
        description="Law date of registration; the half year runs from a registration, not from arrival (RR-10)."
    )
    started_on: date
    expected_end_on: date | None
    residence_since: date = Field(description="Start of unbroken registration in this city, carried over between towns.")
    changed_on: date | None = Field(description="Day of the last change of address.")
    reported_late: bool = Field(description="Whether the last report came after the limit of RR-05 or RR-09.")
    ended_on: date | None
    end_reason: RegistrationEndReason | None
    notes: list[Notice] = Field(
        description="Exemptions, separate rules, doubts; only in the answer to a registration or a change."
    )
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RegistrationRecord, sight: Sight, notes: list[Notice] | None = None) -> Self:
        """The registration as `sight` shows it."""
        return sight.show(cls(**record.__dict__, notes=notes or []))


class PastRegistrationView(PersonalView):
    """A registration as of one version; without the address."""

    status: RegistrationStatus
    division_code: str
    residence_kind: ResidenceKind | None
    registered_on: date
    started_on: date
    residence_since: date
    changed_on: date | None
    ended_on: date | None
    end_reason: RegistrationEndReason | None

    @classmethod
    def of(cls, record: RegistrationRecord, sight: Sight) -> Self:
        """A remembered state as `sight` shows it."""
        return sight.show(cls.model_validate(record.__dict__))
