"""Objections to a place in a round at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, View
from services.points_hukou.schemas.applications import Said

ObjectionStatus = Literal["open", "upheld", "dismissed"]


class Objection(Command):
    """Somebody objects to a place."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"application_id": "01935a3e-1111-7000-8000-000000000003", "reason": "居住时间不实"}]}
    )

    application_id: UUID
    reason: Said


class ObjectionAnswer(Command):
    """An officer's answer. Upheld, it puts the application into recheck, and the round is ranked anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "dismissed", "answer": "经核实,居住登记属实"}]})

    outcome: Literal["upheld", "dismissed"]
    answer: Said


class ObjectionSecrets(View):
    """What is kept encrypted of an objection."""

    reason: str
    answer: str | None = None


class ObjectionRecord(VersionedRecord):
    """The full state of an objection."""

    objection_id: UUID
    round_id: UUID
    application_id: UUID
    person_id: UUID
    status: ObjectionStatus
    raised_on: date
    due_on: date
    is_due_provisional: bool
    answered_on: date | None
    answered_by: str | None
    settled_on: date | None
    overdue_told_for: date | None = None
    taken_in: str | None = None
    secrets: ObjectionSecrets | None


class ObjectionView(PersonalView):
    """An objection to a place."""

    objection_id: UUID
    version: int
    round_id: UUID
    application_id: UUID
    person_id: UUID | None = Field(description="Whose place it is; null at a window that took it for another office's round.")
    status: ObjectionStatus
    raised_on: date
    due_on: date = Field(description="Last day for the answer (P-27).")
    is_due_provisional: bool
    is_overdue: bool = Field(description="Whether the term was missed; one that is only guessed never is.")
    answered_on: date | None
    answered_by: str | None
    settled_on: date | None = Field(description="When the round was ranked anew because it was upheld.")
    reason: str | None
    answer: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ObjectionRecord, sight: Sight, *, is_overdue: bool, of_own_round: bool) -> Self:
        """The objection as `sight` shows it; to a window that took it for another office's round not whose place it is."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = record.secrets
        told: dict[str, str | None] = {
            "reason": None if secrets is None else secrets.reason,
            "answer": None if secrets is None else secrets.answer,
        }
        if not of_own_round:
            told["person_id"] = None
        return sight.show(cls(**kept | told, is_overdue=is_overdue))
