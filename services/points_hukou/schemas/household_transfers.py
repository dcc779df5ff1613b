"""Household transfers at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.schemas.applications import Said

_PERSON = "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"

OfficeDivisionCode = Annotated[
    PlainText, pattern_field(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$", description="Of the office that has the case.")
]
HukouDivisionCode = Annotated[
    PlainText,
    pattern_field(
        r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$", description="Where the household registration is to be, in the office's county."
    ),
]


class HouseholdTransferEntry(Command):
    """A case. A place of a final list gives the right to it, where points still limit settlement; elsewhere the law does."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"person_id": _PERSON, "division_code": "330282107", "hukou_division_code": "330282107205"}]
        }
    )

    person_id: UUID
    division_code: OfficeDivisionCode
    hukou_division_code: HukouDivisionCode
    round_id: UUID | None = Field(None, description="The round whose final list has the place; with `application_id`.")
    application_id: UUID | None = Field(None, description="The application that holds the place.")
    note: Said | None = None


class HouseholdTransferApproval(Command):
    """What the approving officer notes, if anything."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "材料齐全,准予迁入"}]})

    note: Said | None = None


class HouseholdEntry(Command):
    """The entry as the household register has it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"entered_on": "2026-05-06", "hukou_division_code": "330282107205"}]}
    )

    entered_on: date = Field(description="Day of the entry; not in the future.")
    hukou_division_code: HukouDivisionCode
    note: Said | None = None


class HouseholdTransferWithdrawal(Command):
    """Why the case is given up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "本人放弃迁入"}]})

    reason: Said


class RegistryReason(View):
    """Why the registry refused."""

    code: str
    rule: str
    message_zh: str
    message_en: str


class TransferSecrets(View):
    """What is kept encrypted with a transfer."""

    words: tuple[str, ...] = Field((), repr=False)


class HouseholdTransferRecord(VersionedRecord):
    """The full state of a transfer. Never leaves the service."""

    transfer_id: UUID
    person_id: UUID
    application_id: UUID | None
    round_id: UUID | None
    division_code: str
    hukou_division_code: str
    status: TransferStatus
    opened_on: date
    opened_by: str
    approved_on: date | None
    approved_by: str | None
    entered_on: date | None
    completed_on: date | None
    completed_by: str | None
    asked_version: int | None
    due_on: date | None
    is_due_provisional: bool
    overdue_told_for: date | None
    reasons: tuple[RegistryReason, ...]
    closed_on: date | None
    ended_registration_id: UUID | None
    ended_permit_id: UUID | None
    secrets: TransferSecrets | None

    def said(self, words: str | None) -> TransferSecrets | None:
        """What is kept encrypted, with one more thing said; nothing for somebody who was deleted meanwhile."""
        if self.secrets is None or words is None:
            return self.secrets
        return TransferSecrets(words=(*self.secrets.words, words))


class HouseholdTransferView(PersonalView):
    """A household transfer and where it stands."""

    transfer_id: UUID
    version: int
    person_id: UUID
    application_id: UUID | None
    round_id: UUID | None
    division_code: str
    hukou_division_code: str | None
    status: TransferStatus = Field(description="`returned`: the registry refused, and an officer has to look.")
    opened_on: date
    opened_by: str
    approved_on: date | None
    approved_by: str | None
    entered_on: date | None
    completed_on: date | None = Field(description="When the entry was confirmed here and the registry asked, the last time.")
    completed_by: str | None = Field(description="Another officer than who approved.")
    due_on: date | None = Field(description="Last day for the registry's answer.")
    is_due_provisional: bool = Field(description="Counted before that year's calendar of working days was published.")
    is_overdue: bool = Field(description="The registry is silent: the office that has the case acts.")
    reasons: list[RegistryReason] = Field(description="Why the registry refused; empty otherwise.")
    closed_on: date | None
    ended_registration_id: UUID | None
    ended_permit_id: UUID | None
    words: list[str] | None = Field(description="What officers noted, oldest first.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: HouseholdTransferRecord, sight: Sight, *, is_overdue: bool) -> Self:
        """The transfer as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        words = None if record.secrets is None else list(record.secrets.words)
        return sight.show(cls(**kept | {"is_overdue": is_overdue, "words": words, "reasons": list(record.reasons)}))
