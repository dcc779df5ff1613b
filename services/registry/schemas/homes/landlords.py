"""Landlords (出租人): somebody on the register, another person, or an organisation."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, rule_error
from services.registry.rules.identity_number import DocumentType
from services.registry.schemas.credit_code import CreditCode
from services.registry.schemas.evidence import Evidence, EvidenceView
from services.registry.schemas.persons import Name, Number
from services.registry.schemas.phone import Phone
from services.registry.schemas.registrations import DivisionCode

OrganisationName = Annotated[PlainText, Field(max_length=200, examples=["慈溪市某某置业有限公司"])]


class LandlordKind(StrEnum):
    """Who lets."""

    PERSON = "person"
    ORGANISATION = "organisation"


class LandlordRegistration(Command):
    """A landlord: `person_id` of somebody on the register; or name, document and phone; or an organisation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "person",
                    "division_code": "330282107",
                    "name": "陈阿大",
                    "document_type": "citizen_id",
                    "number": "341204198808080050",
                    "phone": "13805740001",
                }
            ]
        }
    )

    kind: LandlordKind
    division_code: DivisionCode = Field(description="Where the landlord lets; each town keeps its own landlords.")
    person_id: UUID | None = Field(None, description="When the landlord is on the register; then nothing else is given.")
    name: Name | None = None
    document_type: DocumentType | None = None
    number: Number | None = None
    phone: Phone | None = None
    organisation_name: OrganisationName | None = None
    credit_code: CreditCode | None = None

    @model_validator(mode="after")
    def _one_way_to_say_who(self) -> Self:
        own = (self.name, self.document_type, self.number)
        unit = (self.organisation_name, self.credit_code)
        if self.kind is LandlordKind.ORGANISATION:
            is_right = None not in unit and self.person_id is None and own == (None, None, None)
        elif self.person_id is not None:
            is_right = own == (None, None, None) and unit == (None, None) and self.phone is None
        else:
            is_right = None not in own and unit == (None, None)
        if not is_right:
            raise rule_error(
                "landlord",
                zh="请只填一种：已登记人员的 person_id；姓名、证件类型和号码；或单位名称和统一社会信用代码",
                en="say it one way: person_id of somebody on the register; name, document type and number; or an organisation's"
                " name and credit code",
            )
        return self


class LandlordCorrection(Command):
    """What may change of a landlord while it is the same landlord; what is left out stays, null clears."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "13805740002"}]})

    phone: Phone | None = Field(None, description="Not of somebody on the register: that person's own record has it.")
    organisation_name: OrganisationName | None = Field(None, description="An organisation's new name.")

    def changes(self) -> dict[str, str | None]:
        """What is given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class LandlordRecord(VersionedRecord):
    """The full state of a landlord. Never leaves the service; its history remembers it without what names a person."""

    landlord_id: UUID
    kind: LandlordKind
    division_code: str
    person_id: UUID | None
    name: str | None = Field(repr=False)
    document_type: DocumentType | None
    number: str | None = Field(repr=False)
    phone: str | None = Field(repr=False)
    organisation_name: str | None
    credit_code: str | None

    def remembered(self) -> Self:
        """As the history remembers it: somebody who asks to be forgotten is then forgotten with the row."""
        return self.model_copy(update={"name": None, "number": None, "phone": None})


class LandlordView(PersonalView):
    """A landlord."""

    landlord_id: UUID
    version: int
    kind: LandlordKind
    division_code: str
    person_id: UUID | None
    name: str | None = Field(description="Of a person who is not on the register.")
    document_type: DocumentType | None
    number: str | None
    phone: str | None
    organisation_name: str | None
    credit_code: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: LandlordRecord, sight: Sight) -> Self:
        """The landlord as `sight` shows it."""
        return sight.show(cls(**record.__dict__))


class PastLandlordView(View):
    """A landlord as of one version; without what names a person."""

    kind: LandlordKind
    division_code: str
    organisation_name: str | None
    credit_code: str | None

    @classmethod
    def of(cls, record: LandlordRecord) -> Self:
        """A remembered state."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class LetterEntry(Command):
    """A letter of responsibility for public order, signed by a landlord (RR-74)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "landlord_id": "019ab0c2-1111-7000-8000-000000000011",
                    "signed_on": "2026-01-05",
                    "valid_until": "2027-01-05",
                    "evidence": [{"type": "responsibility_letter"}],
                }
            ]
        }
    )

    landlord_id: UUID
    signed_on: date = Field(description="Not in the future.")
    valid_until: date = Field(description="First day on which it holds no more.")
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)


class LetterEnd(Command):
    """The letter holds no more from a day on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended_on": "2026-06-01"}]})

    ended_on: date = Field(description="First day on which it holds no more; not in the future.")


class LetterRecord(VersionedRecord):
    """The full state of a letter. Never leaves the service."""

    letter_id: UUID
    landlord_id: UUID
    division_code: str
    signed_on: date
    valid_until: date
    ended_on: date | None
    evidence: tuple[Evidence, ...]


class LetterView(View):
    """A letter of responsibility."""

    letter_id: UUID
    version: int
    landlord_id: UUID
    division_code: str
    signed_on: date
    valid_until: date
    ended_on: date | None
    is_in_force: bool = Field(description="On the day of the answer.")
    evidence: list[EvidenceView]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: LetterRecord, on: date) -> Self:
        """The letter as it stands on a day."""
        return cls(
            **{name: value for name, value in record.__dict__.items() if name != "evidence"},
            is_in_force=record.signed_on <= on < min(record.valid_until, record.ended_on or record.valid_until),
            evidence=[EvidenceView(**paper.model_dump()) for paper in record.evidence],
        )


class PastLetterView(View):
    """A letter of responsibility as of one version."""

    landlord_id: UUID
    division_code: str
    signed_on: date
    valid_until: date
    ended_on: date | None

    @classmethod
    def of(cls, record: LetterRecord) -> Self:
        """A remembered state."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})
