"""Contests of evidence at the edge, and as the store keeps them."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View
from services.points_hukou.rules.evidence import ContestStatus
from services.points_hukou.schemas.evidence import Stated

Note = Annotated[PlainText, Field(max_length=1000, description="In the officer's words; kept encrypted.")]


class ContestOpening(Command):
    """The person says that a fact is wrong; an officer brings it to the office that gave it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "本人已取得大专学历,毕业证书编号见附件"}]})

    reason: Annotated[UnmaskedText, Field(max_length=2000, description="In the person's words; kept encrypted.")]
    attachment_id: UUID | None = Field(None, description="A paper that shows it, uploaded before.")


class ContestUpholding(Command):
    """The office looked, and the fact stands; the answer is told to the person."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "经核对学籍系统,信息无误"}]})

    answer: Note


class ContestCorrection(Stated):
    """The office corrects the fact: what it gives now takes the place of what was contested."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"value": ["bachelor_or_above"], "as_of": "2026-03-02", "answer": "经核实,已更正为本科"}]
        }
    )

    answer: Note


class ContestSecrets(View):
    """What is kept under the person's key."""

    reason: str = Field(repr=False)
    answer: str | None = Field(None, repr=False)
    attachment_id: UUID | None = None


class ContestRecord(VersionedRecord):
    """The full state of a contest. Never leaves the service."""

    contest_id: UUID
    evidence_id: UUID
    person_id: UUID
    rule_set: str
    fact: str
    organisation: str
    division_code: str
    status: ContestStatus
    opened_on: date
    due_on: date
    is_due_provisional: bool
    overdue_told_on: date | None
    decided_on: date | None
    corrected_by: UUID | None
    secrets: ContestSecrets


class ContestView(PersonalView):
    """A contest of a fact, with its clock."""

    contest_id: UUID
    version: int
    evidence_id: UUID
    person_id: UUID
    rule_set: str
    fact: str
    organisation: str = Field(description="The office that answers.")
    division_code: str = Field(description="Of the office that brought it.")
    status: ContestStatus
    opened_on: date
    due_on: date = Field(description="Last day for the answer.")
    is_due_provisional: bool = Field(description="Counted before that year's calendar of working days was published.")
    is_overdue: bool
    decided_on: date | None
    corrected_by: UUID | None = Field(description="The evidence that took its place; none where it was withdrawn.")
    reason: str | None
    answer: str | None
    attachment_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ContestRecord, sight: Sight, today: date) -> Self:
        """The contest as `sight` shows it."""
        kept: dict[str, Any] = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        late = record.status is ContestStatus.OPEN and not record.is_due_provisional and record.due_on < today
        return sight.show(cls(**kept, **record.secrets.__dict__, is_overdue=late))


class ContestsView(View):
    """Contests, the newest first."""

    items: list[ContestView]
