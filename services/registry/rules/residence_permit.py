"""The words of the residence permit (居住证): facts a rule is given, answers it gives, and the protocol every regime
fulfils.

No regime's law is here; see `zj_2016.py`. All dates are Asia/Shanghai calendar dates, `…_from`/`…_on` inclusive, `…_until`
exclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

from services.registry.rules.identity_number import Origin
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.reporting import ChangeReport

IDENTITY_DOCUMENT_EVIDENCE = "identity_document"
PHOTO_EVIDENCE = "photo"
"""Evidence that proves no ground but that every applicant needs (RR-24)."""


class Ground(StrEnum):
    """The head an applicant relies on (RR-20)."""

    EMPLOYMENT = "employment"
    """合法稳定就业"""
    HOME = "home"
    """合法稳定住所"""
    STUDY = "study"
    """连续就读"""


class Applicant(StrEnum):
    """Who hands in the application (RR-25)."""

    SELF = "self"
    GUARDIAN = "guardian"
    CLOSE_RELATIVE = "close_relative"


class Infirmity(StrEnum):
    """Why an adult may be represented (RR-25), where age alone does not say so."""

    ILL = "ill"
    DISABLED = "disabled"


class Excusal(StrEnum):
    """Who may be excused from RR-20 under county rules (RR-23)."""

    INVESTOR = "investor"
    TALENT = "talent"


class EndorsementAnchor(StrEnum):
    """From which date the years of endorsement are counted (RR-30)."""

    RESIDENCE_START = "residence_start"
    ISSUE_DATE = "issue_date"


class EndReason(StrEnum):
    """Why a permit ends (RR-37 and the acts that follow from it)."""

    HOUSEHOLD_TRANSFER = "household_transfer"
    DEATH = "death"
    NO_LONGER_QUALIFIES = "no_longer_qualifies"
    LEFT = "left"
    OBTAINED_BY_FRAUD = "obtained_by_fraud"
    SURRENDERED = "surrendered"


class FeeItem(StrEnum):
    """What could cost something (RR-35, RR-36)."""

    REGISTRATION = "registration"
    FIRST_ISSUE = "first_issue"
    ENDORSEMENT = "endorsement"
    CHANGE = "change"
    REPLACEMENT = "replacement"
    REISSUE = "reissue"
    EXCHANGE_OF_OLD_CARD = "exchange_of_old_card"


class CardReplacementCause(StrEnum):
    """Why a new card is asked for (RR-34)."""

    LOST = "lost"
    DAMAGED = "damaged"
    DATA_CHANGED = "data_changed"


class EntitlementKind(StrEnum):
    """The headings under which the law lists what a permit gives (RR-40 to RR-43)."""

    RIGHT = "right"
    SERVICE = "service"
    CONVENIENCE = "convenience"
    PARTICIPATION = "participation"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision: `article` cites the instrument, `rule` the policy page."""

    code: str
    article: str
    rule: str
    message_zh: str
    message_en: str


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """What is known when somebody applies.

    `registered_since` is the start of unbroken registration in this city (`residence_registration.registered_since`),
    `None` without a current registration. `has_identity_document` comes from the registry's own record of the person or
    from the evidence handed in. `None` in a three-valued fact means "not known to the registry": it is never held against
    the applicant. `identity_document_expired_on` is the last day of the documents on file when all of them are out of date.
    """

    applied_on: date
    ground: Ground
    evidence_types: tuple[str, ...]
    registered_since: date | None
    has_identity_document: bool = False
    has_photo: bool = False
    birth_date: date | None = None
    applicant: Applicant = Applicant.SELF
    infirmity: Infirmity | None = None
    excused_as: Excusal | None = None
    is_remote: bool = False
    is_on_school_roll: bool | None = None
    is_floating: bool | None = None
    origin: Origin = Origin.MAINLAND
    identity_document_expired_on: date | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The decision on an application: accepted with a due date, or refused with every reason at once (RR-24).

    `eligible_from` is the first day on which the half year is complete (RR-21), whichever way the decision goes; `None`
    without a registration. `due_on` is the last day for issuing (RR-26), only when accepted.
    """

    accepted: bool
    reasons: tuple[Reason, ...]
    eligible_from: date | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """What the law needs of an issued permit.

    `residence_start` is where continuous registration began when the permit was applied for (`registered_since`).
    `endorsed_on` holds every accepted endorsement. `suspended_on` is a standing suspension by an officer; a lapse of time
    is not written here, it follows from the dates. `ended_on` is the first day without the permit.
    """

    residence_start: date
    issued_on: date
    endorsed_on: tuple[date, ...] = ()
    suspended_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class ResidenceYear:
    """One year counted from an anchor and the window in which it must be endorsed (RR-30).

    `number` counts from 1. The year covers `starts_on` … `completed_on` − 1; the window `window_opens_on` …
    `window_closes_on`, both inclusive; without endorsement the function is suspended from `completed_on`.
    """

    number: int
    starts_on: date
    completed_on: date
    window_opens_on: date

    @property
    def window_closes_on(self) -> date:
        """The last day on which an endorsement is in time."""
        return self.completed_on - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FunctionStatus:
    """Whether a permit works on a day.

    `status` is `valid`, `suspended` or `ended`. `anchor` is the date years are now counted from for endorsement;
    `next_year` is the year that waits for endorsement (when suspended: the one that was missed). `counted_from` is where
    continuous residence now begins.
    """

    status: PermitStatus
    anchor: date
    counted_from: date
    next_year: ResidenceYear
    suspended_since: date | None = None


@dataclass(frozen=True, slots=True)
class EndorsementFacts:
    """What is known when an endorsement is asked for. `conditions_hold=None`: nothing calls them in question.

    `residence_since` is the start of the holder's present unbroken registered stay, where known.
    """

    permit: PermitFacts
    requested_on: date
    is_registered: bool
    conditions_hold: bool | None = None
    residence_since: date | None = None


@dataclass(frozen=True, slots=True)
class EndorsementAssessment:
    """The decision on an endorsement.

    `is_late`: it restores a suspended function, and continuous residence is counted anew from that day (RR-32). `next_year`
    is the year to be endorsed after this one when accepted, otherwise the one that is waiting.
    """

    accepted: bool
    reasons: tuple[Reason, ...]
    is_late: bool
    next_year: ResidenceYear


@dataclass(frozen=True, slots=True)
class ResidenceYears:
    """Continuous residence (居住年限): since when, how many completed years, and whether time is being counted on the day
    asked.
    """

    counted_from: date
    whole_years: int
    is_counting: bool


@dataclass(frozen=True, slots=True)
class EvidenceType:
    """A paper that proves a ground (RR-22)."""

    ground: Ground
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One right, service or convenience the permit gives."""

    kind: EntitlementKind
    code: str
    article: str
    rule: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What a permit gives on a day; when it gives nothing, `reason` says why and what would change it."""

    items: tuple[Entitlement, ...]
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class CardData:
    """What is printed on the card, and nothing else (RR-28)."""

    name: str
    sex_code: str
    ethnicity_code: str
    birth_date: date
    citizen_number: str
    photo: bytes
    hukou_address: str
    residence_address: str
    issuing_body: str
    issued_on: date


class PermitRules(Protocol):
    """What every regime of permits answers. An object of it carries its regime's dated parameters; each answer uses those
    in force on the day the question is about.
    """

    @property
    def key(self) -> str:
        """The regime's key, e.g. `zj-2016`."""

    def evidence_types(self, on: date) -> tuple[EvidenceType, ...]:
        """The papers accepted on that day, for every ground (RR-22)."""

    def eligible_from(self, registered_since: date, *, on: date) -> date:
        """The first day on which the time of residence is complete (RR-20, RR-21), as the law stands on `on`."""

    def assess_application(self, facts: ApplicationFacts) -> Assessment:
        """Decide an application, with every reason at once."""

    def residence_year(self, anchor: date, number: int) -> ResidenceYear:
        """The `number`-th year from `anchor` and its window of endorsement."""

    def function_status(self, permit: PermitFacts, on: date) -> FunctionStatus:
        """Whether an issued permit is in function on that day; an ordinary lapse of time needs no act of the office."""

    def assess_endorsement(self, facts: EndorsementFacts) -> EndorsementAssessment:
        """Decide an endorsement."""

    def residence_years(self, permit: PermitFacts, on: date) -> ResidenceYears:
        """Continuous residence years on that day."""

    def assess_card_change(self, *, changed_on: date, reported_on: date) -> ChangeReport:
        """Whether a change of name, number or address was told in time (RR-34)."""

    def assess_card_replacement(
        self, cause: CardReplacementCause, *, is_old_card_returned: bool, on: date
    ) -> tuple[Reason, ...]:
        """Why no new card can be given; empty when it can (RR-34)."""

    def fee_fen(self, item: FeeItem, on: date) -> int | None:
        """The fee in fen; 0 is free, `None` is not set by anyone we know of (RR-35)."""

    def end_reasons(self, on: date) -> Mapping[EndReason, Reason]:
        """The reasons for which a permit may be ended on that day (RR-37)."""

    def issuing_body_zh(self, on: date) -> str:
        """The name of the issuing body as printed on the card (RR-28, RR-29)."""

    def entitlements(self, status: PermitStatus | None, on: date) -> Entitlements:
        """What a permit of this status gives on that day; `None`: the person has no permit (RR-40 to RR-43)."""
