"""Vaccination cards at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field
from services.health.rules.cards import CardBasis, CardStatus, Evidence
from services.health.schemas.facts import ChildFacts

_PERSON = "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"

LocalDivisionCode = Annotated[
    PlainText, pattern_field(r"^([0-9]{9}|[0-9]{12})$", description="Where the child lives: town or village.")
]
ClinicCode = Annotated[
    PlainText,
    pattern_field(r"^[0-9A-Z]{6,20}$", description="Code of the vaccination unit (接种单位).", examples=["3302821070"]),
]
CertificateNumber = Annotated[
    UnmaskedText, pattern_field(r"^[0-9A-Za-z-]{4,40}$", description="Of the certificate (预防接种证).")
]
_Said = Annotated[UnmaskedText, Field(max_length=500)]


class Contact(Command):
    """Whom the clinic calls; kept encrypted."""

    guardian_name: Annotated[UnmaskedText, Field(max_length=60)]
    phone: Annotated[UnmaskedText, pattern_field(r"^[0-9+() -]{5,30}$")]


class Origin(Command):
    """Where a child was vaccinated before, and what of it was seen (IMM-56)."""

    division_code: Annotated[PlainText, pattern_field(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$", description="GB/T 2260.")]
    unit_name: Annotated[UnmaskedText, Field(max_length=120)] | None = None
    moved_on: date
    evidence: Evidence = Field(description="The best of what was seen; `given_here` is none.")


class Certificate(Command):
    """A certificate that was issued here, or seen."""

    number: CertificateNumber
    issued_on: date = Field(description="Not in the future.")


class CardEntry(Command):
    """A card for a child whom this service knows from the register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"person_id": _PERSON, "division_code": "330282107", "clinic_code": "3302821070", "basis": "residence"}
            ]
        }
    )

    person_id: UUID
    division_code: LocalDivisionCode
    clinic_code: ClinicCode
    basis: CardBasis
    certificate: Certificate | None = None
    contact: Contact | None = None
    origin: Origin | None = Field(None, description="Needed with `transfer`.")
    facts: ChildFacts | None = None


class CardChange(Command):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"contact": {"guardian_name": "陈静", "phone": "13805740000"}}]})

    clinic_code: ClinicCode | None = None
    contact: Contact | None = None
    facts: ChildFacts | None = Field(None, description="The whole of what is known, in place of what was.")


class CertificateIssue(Certificate):
    """A certificate issued or seen; another number than before replaces a lost one (IMM-57)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "330282-2026-000117", "issued_on": "2026-05-06"}]})


class Leave(Command):
    """The child is away for a while and comes back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-05-06"}]})

    since: date = Field(description="Not in the future.")


class MoveOut(Command):
    """The child lives elsewhere now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"moved_on": "2026-05-06", "to_division_code": "522426"}]})

    moved_on: date = Field(description="Not in the future.")
    to_division_code: Annotated[PlainText, pattern_field(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")] | None = None
    note: _Said | None = None


class MoveIn(Command):
    """The unit of the present residence takes the card over, from another unit of the city or of a child that came back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"division_code": "330282107", "clinic_code": "3302821070"}]})

    division_code: LocalDivisionCode
    clinic_code: ClinicCode
    origin: Origin | None = None


class CardSecrets(View):
    """What is kept encrypted with a card."""

    certificate_number: str | None = None
    former_certificate_numbers: tuple[str, ...] = ()
    contact: Contact | None = None
    origin: Origin | None = None
    facts: ChildFacts | None = None
    moved_to_division_code: str | None = None
    notes: tuple[str, ...] = Field((), repr=False)


class CardRecord(VersionedRecord):
    """The full state of a card. Never leaves the service."""

    card_id: UUID
    person_id: UUID
    division_code: str
    clinic_code: str
    status: CardStatus
    basis: CardBasis
    opened_on: date
    due_on: date | None
    certificate_issued_on: date | None
    checked_on: date
    away_since: date | None
    moved_out_on: date | None
    has_facts: bool
    secrets: CardSecrets


class CardView(PersonalView):
    """A vaccination card (接种卡) and where it stands."""

    card_id: UUID
    version: int
    person_id: UUID
    division_code: str
    clinic_code: str
    status: CardStatus
    basis: CardBasis
    opened_on: date
    due_on: date | None = Field(description="Last day for the certificate (IMM-51), where one is due.")
    certificate_issued_on: date | None
    checked_on: date = Field(description="When the unit last looked whether the child is still there (IMM-55).")
    away_since: date | None
    moved_out_on: date | None
    certificate_number: str | None
    former_certificate_numbers: list[str] | None = Field(description="Of lost certificates, oldest first.")
    contact: Contact | None
    origin: Origin | None
    facts: ChildFacts | None
    moved_to_division_code: str | None
    notes: list[str] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: CardRecord, sight: Sight) -> Self:
        """The card as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = dict(record.secrets.__dict__)
        for name in ("former_certificate_numbers", "notes"):
            secrets[name] = list(secrets[name])
        return sight.show(cls(**kept | secrets))
