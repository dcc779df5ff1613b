"""Simulations at the edge. No person is in them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command, PlainText, View, pattern_field

_QUOTA_MAX = 10_000_000
_EXAMPLE = "019ab0c2-1111-7000-8000-000000000001"


class SimulatedVariant(Command):
    """A rule set on a day, for a use of it, with so many places."""

    rule_set_id: UUID = Field(description="A rule set the client may see; a draft is tried before it is approved.")
    applied_on: date = Field(description="Everybody is counted as if they applied on this day.")
    quota: Annotated[int, Field(ge=0, le=_QUOTA_MAX)] | None = Field(None, description="Without it, whoever qualifies.")
    service: Annotated[PlainText, Field(max_length=60)] | None = Field(None, description="Where it has several services.")
    use_in: Annotated[PlainText, pattern_field(r"^[0-9]{6}$", description="Where the points are used.")] | None = None


class SimulationRequest(Command):
    """The rules as they are, and as they might be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "before": {"rule_set_id": _EXAMPLE, "applied_on": "2026-11-30", "quota": 5000},
                    "after": {"rule_set_id": _EXAMPLE, "applied_on": "2026-11-30", "quota": 4000},
                }
            ]
        }
    )

    before: SimulatedVariant
    after: SimulatedVariant


class SimulatedOutcomeView(View):
    """Figures under one variant over everybody; points are written exactly.

    What would tell of few people is null.
    """

    stand: int | None = Field(description="Eligible, with a score that may be used, at the pass mark if there is one.")
    within: int | None = Field(description="Admitted; without a quota, who stands.")
    undecided: int | None = Field(
        description="Equals of whom only some fit, where the rule set does not say who goes first (P-22)."
    )
    cut_off: str | None = Field(description="The points, or what ranks in their place, of the last who is admitted.")
    average: str | None
    highest: str | None = Field(description="Where enough people share it.")


class SimulatedGroupView(View):
    """One group of people. Small numbers are null, and what they could be computed from."""

    label: str
    people: int | None
    gain: int | None
    lose: int | None
    same: int | None
    within_both: int | None
    newly_within: int | None
    no_longer_within: int | None
    within_neither: int | None
    average_change: str | None


class SimulationToldView(View):
    """What a simulation came to."""

    smallest_shown: int = Field(description="Numbers of people below this are not shown.")
    before: SimulatedOutcomeView
    after: SimulatedOutcomeView
    all: SimulatedGroupView = Field(description="Everybody the client sees.")
    by: dict[str, list[SimulatedGroupView]] = Field(description="By `town`, `origin`, `industry` and `age`.")


class SimulationView(View):
    """A simulation that came to its end."""

    simulation_id: UUID
    division_code: str
    asked_by: str
    asked: SimulationRequest
    told: SimulationToldView
    created_at: datetime
