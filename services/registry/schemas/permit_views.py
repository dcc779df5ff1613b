"""Residence permits as they go out, and their full state as the store keeps it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import View
from services.registry.rules.permit_states import CardStatus, PermitStatus
from services.registry.rules.residence_permit import (
    Applicant,
    EndReason,
    Entitlement,
    EntitlementKind,
    Ground,
    Reason,
    ResidenceYears,
)
from services.registry.schemas.evidence import Evidence, EvidenceView, attachments_in

CARD_NUMBER_SHOWN_FROM = 12


class SuspensionCause(StrEnum):
    """Why a permit is without function."""

    NOT_ENDORSED = "not_endorsed"
    OFFICER = "officer"


class ReasonView(View):
    """One reason of a decision, with its article."""

    code: str = Field(examples=["half_year_not_complete"])
    article: str
    rule: str
    message_zh: str
    message_en: str

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """The view of a reason."""
        return cls(
            code=reason.code,
            article=reason.article,
            rule=reason.rule,
            message_zh=reason.message_zh,
            message_en=reason.message_en,
        )


class PermitSecrets(View):
    """What is kept encrypted with a permit."""

    evidence: tuple[Evidence, ...] = ()
    card_number: str | None = Field(None, repr=False)
    suspension_note: str | None = Field(None, repr=False)
    end_note: str | None = Field(None, repr=False)


class PermitRecord(VersionedRecord):
    """The full state of a permit. Never leaves the service.

    `endorsement_*` and `residence_years_from` follow from `residence_start`, `issued_on` and `endorsed_on` by the regime;
    they are kept because the daily job and the mirrors ask by them.
    """

    permit_id: UUID
    person_id: UUID
    registration_id: UUID | None
    division_code: str | None
    status: PermitStatus
    ground: Ground
    regime: str
    applicant: Applicant
    applied_on: date
    eligible_from: date | None
    accepted_on: date | None
    due_on: date | None
    residence_start: date | None
    issued_on: date | None
    endorsed_on: tuple[date, ...]
    endorsement_anchor_on: date | None
    endorsement_from: date | None
    endorsement_until: date | None
    residence_years_from: date | None
    suspended_on: date | None
    suspension_cause: SuspensionCause | None
    card_status: CardStatus | None
    lost_on: date | None
    ended_on: date | None
    end_reason: EndReason | None
    end_caused_by: UUID | None = None
    reasons: tuple[ReasonView, ...]
    secrets: PermitSecrets


def masked_card_number(number: str) -> str:
    """At most the last four characters; of a number under twelve characters none, as with documents (privacy §9)."""
    return "****" + (number[-4:] if len(number) >= CARD_NUMBER_SHOWN_FROM else "")


class EndorsementDecisionView(View):
    """What was decided on an endorsement; a refusal (RR-33) names every reason and changes nothing."""

    accepted: bool
    is_late: bool = Field(description="Late: function restored, residence years count anew from this day (RR-32).")
    reasons: list[ReasonView]


class ResidenceYearsView(View):
    """Continuous residence (居住年限)."""

    counted_from: date
    whole_years: int
    is_counting: bool

    @classmethod
    def of(cls, years: ResidenceYears) -> Self:
        """The view of residence years."""
        return cls(counted_from=years.counted_from, whole_years=years.whole_years, is_counting=years.is_counting)


class PermitView(PersonalView):
    """A residence permit as it stands on the law's today."""

    permit_id: UUID
    version: int
    person_id: UUID
    status: PermitStatus
    reasons: list[ReasonView] = Field(description="Every reason of a refusal, all at once (RR-24).")
    ground: Ground
    regime: str = Field(examples=["zj-2016"])
    registration_id: UUID | None
    division_code: str | None
    applicant: Applicant
    evidence_types: list[str]
    attachment_ids: list[UUID] = Field(description="The papers that were handed in as files.")
    evidence: list[EvidenceView] = Field(description="The papers; only with the scope for sensitive fields.")
    applied_on: date
    eligible_from: date | None = Field(description="First day on which the half year is complete (RR-21).")
    accepted_on: date | None
    due_on: date | None = Field(description="Last day for issuing it (RR-26).")
    issued_on: date | None
    card_status: CardStatus | None
    card_number: str | None = Field(description="The whole number; only with the scope for sensitive fields.")
    card_number_masked: str | None
    endorsement_anchor_on: date | None
    endorsement_from: date | None = Field(description="First day of the coming (or missed) endorsement window (RR-30).")
    endorsement_until: date | None = Field(description="Last day of that window.")
    endorsed_on: list[date]
    residence_years: ResidenceYearsView | None
    suspended_on: date | None
    suspension_cause: SuspensionCause | None
    lost_on: date | None
    ended_on: date | None
    end_reason: EndReason | None
    endorsement: EndorsementDecisionView | None = Field(description="Only in the answer to `endorse`.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls,
        record: PermitRecord,
        sight: Sight,
        *,
        years: ResidenceYears | None = None,
        endorsement: EndorsementDecisionView | None = None,
    ) -> Self:
        """The permit as `sight` shows it."""
        number = record.secrets.card_number
        whole = cls(
            permit_id=record.permit_id,
            version=record.version,
            person_id=record.person_id,
            status=record.status,
            reasons=list(record.reasons),
            ground=record.ground,
            regime=record.regime,
            registration_id=record.registration_id,
            division_code=record.division_code,
            applicant=record.applicant,
            evidence_types=[item.type for item in record.secrets.evidence],
            attachment_ids=[attachment_id for _, attachment_id in attachments_in(record.secrets.evidence)],
            evidence=[EvidenceView(**item.__dict__) for item in record.secrets.evidence],
            applied_on=record.applied_on,
            eligible_from=record.eligible_from,
            accepted_on=record.accepted_on,
            due_on=record.due_on,
            issued_on=record.issued_on,
            card_status=record.card_status,
            card_number=number,
            card_number_masked=None if number is None else masked_card_number(number),
            endorsement_anchor_on=record.endorsement_anchor_on,
            endorsement_from=record.endorsement_from,
            endorsement_until=record.endorsement_until,
            endorsed_on=list(record.endorsed_on),
            residence_years=None if years is None else ResidenceYearsView.of(years),
            suspended_on=record.suspended_on,
            suspension_cause=record.suspension_cause,
            lost_on=record.lost_on,
            ended_on=record.ended_on,
            end_reason=record.end_reason,
            endorsement=endorsement,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )
        return sight.show(whole)


class PastPermitView(View):
    """A permit as of one version, as it was recorded then."""

    status: PermitStatus
    reasons: list[ReasonView]
    applied_on: date
    due_on: date | None
    issued_on: date | None
    endorsement_from: date | None
    endorsement_until: date | None
    residence_years_from: date | None
    suspended_on: date | None
    suspension_cause: SuspensionCause | None
    card_status: CardStatus | None
    lost_on: date | None
    ended_on: date | None
    end_reason: EndReason | None

    @classmethod
    def of(cls, record: PermitRecord) -> Self:
        """The view of a remembered state."""
        return cls.model_validate({**record.__dict__, "reasons": list(record.reasons)})


class EntitlementView(View):
    """One right, service or convenience."""

    kind: EntitlementKind
    code: str
    article: str
    rule: str
    name_zh: str
    name_en: str

    @classmethod
    def of(cls, item: Entitlement) -> Self:
        """The view of an entitlement."""
        return cls(
            kind=item.kind, code=item.code, article=item.article, rule=item.rule, name_zh=item.name_zh, name_en=item.name_en
        )


class EntitlementsView(View):
    """What the person's permit gives today (RR-40 to RR-43)."""

    person_id: UUID
    on: date
    permit_id: UUID | None
    permit_status: PermitStatus | None
    items: list[EntitlementView]
    reason: ReasonView | None = Field(description="Why nothing is given, and what would change it.")
