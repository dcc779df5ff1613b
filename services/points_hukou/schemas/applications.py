"""Applications at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.purposes import Purpose

_PERSON = "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"

Said = Annotated[UnmaskedText, Field(max_length=1000, description="In the applicant's or officer's words; kept encrypted.")]
UseDivisionCode = Annotated[
    PlainText,
    pattern_field(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$", description="Where the points are used, and whose case it is."),
]


class ApplicationEntry(Command):
    """An application for one use of points. Nothing is handed in: the score rests on what offices know (P-10)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"person_id": _PERSON, "purpose": "school", "division_code": "330282107"}]}
    )

    person_id: UUID = Field(description="Who applies.")
    purpose: Purpose
    division_code: UseDivisionCode
    family_person_ids: list[UUID] = Field(
        default_factory=list,
        max_length=3,
        description="Others of the family who hold a permit: the one highest score counts, nothing is added (P-08).",
    )
    for_person_id: UUID | None = Field(None, description="The child a school place is for, where it is registered.")


class ApplicationWords(Command):
    """Why, in words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "社保月数少计了三个月"}]})

    reason: Said


class ApplicationNote(Command):
    """What an officer notes, if anything."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已与社保中心核对"}]})

    note: Said | None = None


class ApplicationSecrets(View):
    """What is kept encrypted with an application."""

    words: tuple[str, ...] = Field((), repr=False)


class ApplicationRecord(VersionedRecord):
    """The full state of an application. Never leaves the service."""

    application_id: UUID
    person_id: UUID
    family_person_ids: tuple[UUID, ...]
    for_person_id: UUID | None
    purpose: Purpose
    service: str
    division_code: str
    rule_set_id: UUID
    status: ApplicationStatus
    applied_on: date
    due_on: date
    is_due_provisional: bool
    overdue_told_for: date | None
    scoring_tried_on: date | None
    scored_on: date | None
    counted_assessment_id: UUID | None
    recheck_asked_on: date | None
    rechecks_asked: int
    confirmed_on: date | None
    confirmed_by: str | None
    secrets: ApplicationSecrets | None

    def said(self, words: str | None) -> ApplicationSecrets | None:
        """What is kept encrypted, with one more thing said; nothing for somebody who was deleted meanwhile."""
        if self.secrets is None or words is None:
            return self.secrets
        return ApplicationSecrets(words=(*self.secrets.words, words))


class ApplicationView(PersonalView):
    """An application and where it stands."""

    application_id: UUID
    version: int
    person_id: UUID
    family_person_ids: list[UUID]
    for_person_id: UUID | None
    purpose: Purpose
    service: str = Field(description="Which service of the rule set counts it.")
    division_code: str
    rule_set_id: UUID = Field(description="By which it is scored; never by a later one (P-37).")
    status: ApplicationStatus
    applied_on: date
    due_on: date = Field(description="The term that runs, or ran last: for scoring, then for a recheck (P-09).")
    is_due_provisional: bool = Field(description="Counted before that year's calendar of working days was published.")
    is_overdue: bool
    scoring_tried_on: date | None = Field(
        description="The day on which the machine could not use anybody's facts. It does not try again: an officer has to "
        "look, and is told every field when scoring."
    )
    scored_on: date | None
    counted_assessment_id: UUID | None = Field(description="The score that counts; its explanation is read there.")
    recheck_asked_on: date | None
    rechecks_asked: int = Field(description="How often a recheck was asked for; refusing what the machine decided is none.")
    confirmed_on: date | None
    confirmed_by: str | None = Field(description="The officer; while null a score is the machine's alone and may be refused.")
    words: list[str] | None = Field(description="What applicant and officers said, oldest first.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ApplicationRecord, sight: Sight, *, is_overdue: bool) -> Self:
        """The application as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        words = None if record.secrets is None else list(record.secrets.words)
        told = {"is_overdue": is_overdue, "words": words, "family_person_ids": list(record.family_person_ids)}
        return sight.show(cls(**kept | told))
