"""Rounds at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.rules.round_states import RoundStatus
from services.points_hukou.schemas.applications import Said

RoundDivisionCode = Annotated[PlainText, pattern_field(r"^([0-9]{6}|[0-9]{9})$", description="Whose places they are.")]
Days = Annotated[int, Field(ge=1, le=60)]
Places = Annotated[int, Field(ge=1, le=100_000)]
ObjectionStatus = Literal["open", "upheld", "dismissed"]


class TownQuota(Command):
    """The places of one town."""

    division_code: Annotated[PlainText, pattern_field(r"^[0-9]{9}$")]
    places: Places


class RoundEntry(Command):
    """So many places for one use, until a freeze day; the terms are the city's own (points.md §8)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "purpose": "school",
                    "division_code": "330282107",
                    "quota": 120,
                    "freeze_on": "2027-05-31",
                    "notice_working_days": 5,
                    "objection_working_days": 5,
                }
            ]
        }
    )

    purpose: Purpose
    division_code: RoundDivisionCode
    quota: Places
    freeze_on: date = Field(description="The last day of applications that stand in it; nobody is ranked before.")
    notice_working_days: Days = Field(description="How long the list is shown to the public.")
    objection_working_days: Days = Field(description="How long objections are taken, from the day of the notice.")
    town_quotas: list[TownQuota] = Field(
        default_factory=list, max_length=100, description="Where every town has its own places; together they are the quota."
    )


class Objection(Command):
    """Somebody objects to a place."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"application_id": "01935a3e-1111-7000-8000-000000000003", "reason": "居住时间不实"}]}
    )

    application_id: UUID
    reason: Said


class ObjectionAnswer(Command):
    """An officer's answer. Upheld: the application is rechecked, and the round is ranked and published anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "dismissed", "answer": "经核实,居住登记属实"}]})

    outcome: Literal["upheld", "dismissed"]
    answer: Said


class GiveUp(Command):
    """An admitted applicant does not take the place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"application_id": "01935a3e-1111-7000-8000-000000000003"}]})

    application_id: UUID


class RoundRecord(VersionedRecord):
    """The full state of a round."""

    round_id: UUID
    purpose: Purpose
    service: str
    division_code: str
    rule_set_id: UUID
    quota: int
    town_quotas: dict[str, int]
    freeze_on: date
    notice_working_days: int
    objection_working_days: int
    status: RoundStatus
    ranked_on: date | None
    standing: int | None
    cut_off: str | None
    published_on: date | None
    notice_until: date | None
    objections_until: date | None
    finished_on: date | None
    opened_by: str


class RoundView(View):
    """A round."""

    round_id: UUID
    version: int
    purpose: Purpose
    service: str
    division_code: str
    rule_set_id: UUID = Field(description="In force when it was opened; applications by another do not stand in it.")
    quota: int
    town_quotas: list[dict[str, Any]] = Field(description="`division_code` and `places`.")
    freeze_on: date
    notice_working_days: int
    objection_working_days: int
    status: RoundStatus
    ranked_on: date | None
    standing: int | None = Field(description="How many stood in it.")
    cut_off: str | None = Field(description="The total of who was admitted last (P-14).")
    published_on: date | None
    notice_until: date | None = Field(description="Last day of the public notice; afterwards it is gone (V-59).")
    objections_until: date | None
    finished_on: date | None
    opened_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RoundRecord) -> Self:
        """The round for a reader."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        towns = [{"division_code": code, "places": places} for code, places in sorted(record.town_quotas.items())]
        return cls(**kept | {"town_quotas": towns})


class PlaceSecrets(View):
    """What is kept encrypted of a place."""

    masked_name: str
    score: dict[str, Any]


class PlaceRecord(View):
    """Where an application stands."""

    place_id: UUID
    round_id: UUID
    application_id: UUID
    person_id: UUID
    assessment_id: UUID
    town: str
    rank: int
    outcome: Outcome
    given_up_on: date | None
    moved_up_on: date | None
    secrets: PlaceSecrets | None


class PlaceView(PersonalView):
    """Where an application stands, for the office."""

    place_id: UUID
    application_id: UUID
    person_id: UUID
    assessment_id: UUID
    town: str
    rank: int = Field(description="Equals share a rank, the next one skips (P-13); it stays as published.")
    outcome: Outcome
    given_up_on: date | None
    moved_up_on: date | None
    masked_name: str | None
    total: str | None

    @classmethod
    def of(cls, record: PlaceRecord, sight: Sight) -> Self:
        """The place as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = record.secrets
        told = {
            "masked_name": None if secrets is None else secrets.masked_name,
            "total": None if secrets is None else secrets.score["total"],
        }
        return sight.show(cls(**kept | told))


class NoticeEntryView(View):
    """One line of a public notice: never a number, a birth date or an address (privacy.md §9)."""

    rank: int
    application_number: str = Field(description="By which the applicant finds the own line.")
    masked_name: str | None = Field(description="Null where a notice shows no names.")
    town: str | None
    total: str
    outcome: Outcome


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
    secrets: ObjectionSecrets | None


class ObjectionView(PersonalView):
    """An objection to a place."""

    objection_id: UUID
    version: int
    round_id: UUID
    application_id: UUID
    person_id: UUID
    status: ObjectionStatus
    raised_on: date
    due_on: date = Field(description="Last day for the answer (P-27).")
    is_due_provisional: bool
    answered_on: date | None
    answered_by: str | None
    settled_on: date | None = Field(description="When the round was ranked anew because it was upheld.")
    reason: str | None
    answer: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ObjectionRecord, sight: Sight) -> Self:
        """The objection as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = record.secrets
        told = {
            "reason": None if secrets is None else secrets.reason,
            "answer": None if secrets is None else secrets.answer,
        }
        return sight.show(cls(**kept | told))
