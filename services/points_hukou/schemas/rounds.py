"""Rounds at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.round_states import RoundStatus

RoundDivisionCode = Annotated[PlainText, pattern_field(r"^([0-9]{6}|[0-9]{9})$", description="Whose places they are.")]
Days = Annotated[int, Field(ge=1, le=60)]
Places = Annotated[int, Field(ge=1, le=100_000)]


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


class RoundRecord(VersionedRecord):
    """The full state of a round. What has a default is younger than the first versions that are remembered."""

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
    rankings: int = 0
    ranked_by: str | None = None
    published_by: str | None = None
    finished_by: str | None = None
    is_notice_provisional: bool = False
    is_objections_provisional: bool = False


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
    is_notice_provisional: bool = Field(description="Counted before the calendar of its last days was published.")
    objections_until: date | None
    is_objections_provisional: bool
    finished_on: date | None
    rankings: int = Field(description="How often it was ranked; the last ranking stands, earlier ones: `…/places?ranking=`.")
    opened_by: str
    ranked_by: str | None = Field(description="The officer who stands for the ranking (V-28).")
    published_by: str | None
    finished_by: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RoundRecord) -> Self:
        """The round for a reader."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        towns = [{"division_code": code, "places": places} for code, places in sorted(record.town_quotas.items())]
        return cls(**kept | {"town_quotas": towns})
