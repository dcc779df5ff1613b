"""Places in the ranking of a round, for the office and for the public."""

from datetime import date
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.schemas import Command, View
from services.points_hukou.rules.ranking import Outcome


class GiveUp(Command):
    """An admitted applicant does not take the place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"application_id": "01935a3e-1111-7000-8000-000000000003"}]})

    application_id: UUID


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
    ranking: int
    superseded_on: date | None
    lowered_on: date | None
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
    given_up_on: date | None = Field(description="Given up by the applicant, or left: withdrawn, erased, or another id's.")
    moved_up_on: date | None
    ranking: int = Field(description="Of which ranking of the round.")
    superseded_on: date | None = Field(description="When the round was ranked anew.")
    lowered_on: date | None = Field(
        description="Since when the score that counts ranks lower than what the place was given for; an officer decides."
    )
    masked_name: str | None
    total: str | None
    tie_breaks: dict[str, str | None] | None = Field(
        description="What decides between equal totals, by the ids of the rule set; null where nobody knows it."
    )

    @classmethod
    def of(cls, record: PlaceRecord, sight: Sight) -> Self:
        """The place as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = record.secrets
        told = {
            "masked_name": None if secrets is None else secrets.masked_name,
            "total": None if secrets is None else secrets.score["total"],
            "tie_breaks": None if secrets is None else secrets.score["tie_breaks"],
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


class StandingView(View):
    """One who stood in a round, under a pseudonym of that round."""

    pseudonym: str = Field(description="The same in every export of the round; neither the application nor the person.")
    town: str
    total: str
    tie_breaks: dict[str, str | None]
    rank: int
    admitted: bool = Field(description="As ranked, whoever gave up or moved up since.")


class RankingDocument(View):
    """Exactly the file `xinshimin points rank` takes: who stood, under pseudonyms, by which figures; quota; rules."""

    format: str
    round_id: str
    ranking: int
    rule_set: str
    digest: str = Field(description="SHA-256 of the text of the rules with their choices.")
    service: str
    quota: int
    town_quotas: dict[str, int]
    freeze_on: str
    cut_off: str | None
    erased: int = Field(description="How many stood of whom nothing is left; then the order of the others is compared.")
    standing: list[StandingView]
    rule_sets: dict[str, Any] = Field(description="The full text of the rules, by id.")
    own_choices: str
