"""Contests of facts that the registry feeds, at the edge and as kept."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, UnmaskedText, View
from services.points_hukou.rules.gathering.sources import RegistryField
from services.points_hukou.schemas.evidence import FactName, RuleSetName
from services.points_hukou.schemas.household_transfers import RegistryReason


class RegistryContestStatus(StrEnum):
    """What became of a contest."""

    OPEN = "open"
    CORRECTED = "corrected"
    """the registry changed what was wrong; the fact follows by its events"""
    UPHELD = "upheld"
    """the registry looked, and it stands"""
    WITHDRAWN = "withdrawn"
    """the person took it back at the registry"""
    REJECTED = "rejected"
    """the registry could not look into it"""


class RegistryContestOpening(Command):
    """The person says that the register is wrong about a fact, or lacks it; the registry looks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rule_set": "ningbo-2022",
                    "fact": "registered_in_province_since",
                    "reason": "本人2019年3月即在此登记,见居住登记凭证",
                }
            ]
        }
    )

    rule_set: RuleSetName = Field(description="A rule set that asks for the fact.")
    fact: FactName = Field(description="One that the registry feeds (`parameters/facts.toml`).")
    reason: Annotated[UnmaskedText, Field(max_length=2000, description="In the person's words; kept encrypted.")]


class RegistryContestSecrets(View):
    """What is kept under the person's key."""

    reason: str = Field(repr=False)


class RegistryContestRecord(VersionedRecord):
    """The full state of a contest. Never leaves the service."""

    contest_id: UUID
    person_id: UUID
    rule_set: str
    fact: str
    field: RegistryField
    division_code: str
    status: RegistryContestStatus
    opened_on: date
    due_on: date
    overdue_told_on: date | None
    decided_on: date | None
    rights_request_id: UUID | None
    reasons: tuple[RegistryReason, ...]
    secrets: RegistryContestSecrets


class RegistryContestView(PersonalView):
    """A contest of what the registry says, with its clock. While it is open the fact counts, and is marked."""

    contest_id: UUID
    version: int
    person_id: UUID
    rule_set: str
    fact: str
    field: RegistryField = Field(description="What of the register feeds the fact; of each one contest is open at a time.")
    division_code: str = Field(description="Of the office that brought it, and acts when the registry is silent.")
    status: RegistryContestStatus
    opened_on: date
    due_on: date = Field(description="Last day for the registry's answer (V-25).")
    is_overdue: bool
    decided_on: date | None
    rights_request_id: UUID | None = Field(description="The registry's case, once it has answered.")
    reasons: list[RegistryReason] = Field(description="Why it stands, or could not be looked into.")
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RegistryContestRecord, sight: Sight, today: date) -> Self:
        """The contest as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        told = {
            "reasons": list(record.reasons),
            "reason": record.secrets.reason,
            "is_overdue": record.status is RegistryContestStatus.OPEN and record.due_on < today,
        }
        return sight.show(cls(**kept | told))


class RegistryContestsView(View):
    """Contests of a person, the newest first."""

    items: list[RegistryContestView]
