"""Papers of the regime of 2009 at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View
from services.registry.rules.historical_applications import ApplicationBearing, Bearing, HistoricalApplication
from services.registry.rules.historical_permits import HistoricalKind, HistoricalStatus, IssueAssessment, Paper
from services.registry.rules.residence_permit import Excusal
from services.registry.rules.residence_registration import InstitutionStay
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.permit_views import ReasonView, masked_card_number
from services.registry.schemas.permits import CardNumber
from services.registry.schemas.registrations import DivisionCode


class HistoricalPermitEntry(Command):
    """A paper issued under the regime of 2009, to be recorded from the paper or the old files (RR-13, RR-36)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "kind": "temporary_residence_permit",
                    "division_code": "330282107",
                    "issued_on": "2013-03-01",
                    "valid_until": "2016-02-29",
                    "card_number": "3302820001",
                    "evidence": [{"type": "temporary_residence_permit_card"}],
                }
            ]
        }
    )

    person_id: UUID
    kind: HistoricalKind
    division_code: DivisionCode
    issued_on: date
    valid_until: date = Field(description="The last day of validity, as printed.")
    ended_on: date | None = Field(None, description="First day without it, when handed back, exchanged or withdrawn earlier.")
    applied_on: date | None = Field(None, description="Day of the application, where the files tell (RR-51).")
    card_number: CardNumber | None = None
    was_asked_for: bool | None = Field(None, description="Whether the holder had asked for it (RR-50), where the files tell.")
    stay_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(None, description="Stay then intended, in days (RR-50).")
    institution_stay: InstitutionStay | None = Field(None, description="Stay that a unit reported (RR-50).")
    excused_as: Excusal | None = Field(None, description="Exempt from the three years (RR-48).")
    has_fixed_home: bool | None = Field(None, description="Of a residence permit, where the files tell (RR-48).")
    has_stable_work: bool | None = Field(None, description="Of a residence permit, where the files tell (RR-48).")
    evidence: list[Evidence] = Field(min_length=1, max_length=20, description="The paper itself, or the files it stands in.")


class HistoricalApplicationQuestion(Command):
    """An application of the regime of 2009, as the old files tell of it. Asked, not decided and not recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "kind": "residence_permit",
                    "applied_on": "2012-11-01",
                    "has_fixed_home": True,
                    "has_stable_work": True,
                }
            ]
        }
    )

    person_id: UUID
    kind: HistoricalKind
    applied_on: date
    excused_as: Excusal | None = Field(None, description="Exempt from the three years (RR-48).")
    has_fixed_home: bool | None = Field(None, description="Where the files tell (RR-48).")
    has_stable_work: bool | None = Field(None, description="Where the files tell (RR-48).")


class HistoricalApplicationView(View):
    """What the text of 2009 says of it, by what is on file and was told; the office of then decided."""

    person_id: UUID
    kind: HistoricalKind
    regime: str = Field(examples=["zj-2009"])
    applied_on: date
    outcome: Bearing
    reasons: list[ReasonView] = Field(description="Conditions not borne out.")
    gaps: list[ReasonView] = Field(description="What is not known: facts of the case, and conditions of the county.")
    due_on: date = Field(description="Last day for issuing it then (RR-51).")
    is_due_provisional: bool
    fee_fen: int
    months_min: int = Field(description="Shortest validity (RR-47).")
    months_max: int
    valid_in: str = Field(description="Where such a paper was valid (RR-49).", examples=["330000"])

    @classmethod
    def of(cls, person_id: UUID, application: HistoricalApplication, regime: str, bearing: ApplicationBearing) -> Self:
        """The answer."""
        return cls(
            person_id=person_id,
            kind=application.kind,
            regime=regime,
            applied_on=application.applied_on,
            outcome=bearing.outcome,
            reasons=list(map(ReasonView.of, bearing.reasons)),
            gaps=list(map(ReasonView.of, bearing.gaps)),
            due_on=bearing.due_on,
            is_due_provisional=bearing.is_due_provisional,
            fee_fen=bearing.fee_fen,
            months_min=bearing.months_min,
            months_max=bearing.months_max,
            valid_in=bearing.valid_in,
        )


class HistoricalPermitAnnulment(Command):
    """The finding that a paper was recorded in error."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "档案属于同名的另一人"}]})

    reason: Annotated[PlainText, Field(max_length=500, description="Why, in the officer's words; kept encrypted.")]


class HistoricalPermitRecord(VersionedRecord):
    """The full state of a paper. Never leaves the service."""

    historical_permit_id: UUID
    person_id: UUID
    kind: HistoricalKind
    regime: str
    division_code: str
    issued_on: date
    valid_until: date
    ended_on: date | None
    applied_on: date | None
    due_on: date | None
    doubts: tuple[ReasonView, ...]
    annulled_on: date | None
    evidence: tuple[Evidence, ...]
    card_number: str | None = Field(repr=False)
    annulment_note: str | None = Field(repr=False)

    @property
    def paper(self) -> Paper:
        """What the rules need of it."""
        return Paper(
            self.kind, self.issued_on, self.valid_until, self.division_code, self.ended_on, self.annulled_on is not None
        )


class HistoricalPermitView(PersonalView):
    """A paper of the regime of 2009 as it stands on the law's today."""

    historical_permit_id: UUID
    version: int
    person_id: UUID
    kind: HistoricalKind
    regime: str = Field(description="The regime of the day of issue.", examples=["zj-2009"])
    status: HistoricalStatus
    division_code: str
    applied_on: date | None
    due_on: date | None = Field(description="Last day for issuing it then (RR-51), where the day of application is known.")
    issued_on: date
    valid_until: date
    ended_on: date | None
    annulled_on: date | None
    doubts: list[ReasonView] = Field(description="Conditions of its issue that what is on file does not bear out.")
    card_number: str | None = Field(description="The whole number; only with the scope for sensitive fields.")
    card_number_masked: str | None
    evidence_types: list[str]
    attachment_ids: list[UUID]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: HistoricalPermitRecord, status: HistoricalStatus, sight: Sight) -> Self:
        """The paper as `sight` shows it."""
        number = record.card_number
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        whole = cls(
            **kept
            | {
                "status": status,
                "doubts": list(record.doubts),
                "card_number_masked": None if number is None else masked_card_number(number),
                "evidence_types": [item.type for item in record.evidence],
                "attachment_ids": [attachment_id for _, attachment_id in attachments_in(record.evidence)],
            }
        )
        return sight.show(whole)


def doubts_of(assessment: IssueAssessment) -> tuple[ReasonView, ...]:
    """What is kept of an assessment."""
    return tuple(ReasonView.of(reason) for reason in assessment.doubts)
