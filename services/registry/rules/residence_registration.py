"""Residence registration (居住登记): who registers, for whom, who need not, and when the half year begins (RR-03 to RR-13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, History
from services.registry.rules.findings import Finding
from services.registry.rules.identity_number import Origin
from services.registry.rules.residence_permit import ChangeReport


class ResidenceKind(StrEnum):
    """On what footing somebody lives at an address."""

    RENTED = "rented"
    OWNED = "owned"
    EMPLOYER_DORMITORY = "employer_dormitory"
    SCHOOL_DORMITORY = "school_dormitory"
    RELATIVE = "relative"
    OTHER = "other"


class Reporter(StrEnum):
    """Who brings the registration."""

    SELF = "self"
    GUARDIAN = "guardian"
    """guardian, or a close relative for an infirm or disabled person (RR-04)"""
    EMPLOYER = "employer"
    LANDLORD = "landlord"
    PROPERTY_MANAGER = "property_manager"
    AGENCY = "agency"
    INSTITUTION = "institution"
    """school, hospital, hotel, rescue station (RR-07, RR-18)"""


class InstitutionStay(StrEnum):
    """Stays which the unit registers and reports (RR-07)."""

    HOTEL = "hotel"
    HOSPITAL = "hospital"
    BOARDING_SCHOOL = "boarding_school"
    RESCUE_STATION = "rescue_station"


class RegistrationEndReason(StrEnum):
    """Why a registration ends."""

    LEFT = "left"
    MOVED_WITHIN_CITY = "moved_within_city"
    HOUSEHOLD_TRANSFER = "household_transfer"
    DEATH = "death"
    RECORDED_IN_ERROR = "recorded_in_error"


@dataclass(frozen=True, slots=True)
class RegistrationFacts:
    """What is known when a registration is brought. `None` means not known and is never held against anybody."""

    registered_on: date
    started_on: date
    division_code: str
    residence_kind: ResidenceKind
    reported_by: Reporter
    birth_date: date | None = None
    origin: Origin = Origin.MAINLAND
    is_floating: bool | None = None
    institution_stay: InstitutionStay | None = None
    expected_end_on: date | None = None
    is_with_close_relatives_of_local_hukou: bool = False


@dataclass(frozen=True, slots=True)
class RegistrationAssessment:
    """`problems` stop the registration. `is_required` is false for exempt stays and local hukou – then it is still possible on request.

    `notes` explain: exemptions (RR-07, RR-08), separate rules (RR-11), local hukou (RR-01). `clock_starts_on` is where the half year of
    RR-20 begins: the day of registration, not of arrival (RR-10). `due_on` is the limit for the person's own registration, `None` while
    no limit is set (RR-05).
    """

    problems: tuple[Finding, ...]
    is_required: bool
    notes: tuple[Finding, ...]
    clock_starts_on: date
    due_on: date | None
    registered_late: bool


@dataclass(frozen=True, slots=True)
class RegistrationPeriod:
    """One registration on the time line: registered (inclusive) to ended (exclusive), `None` while it runs."""

    registered_on: date
    ended_on: date | None
    division_code: str


@dataclass(frozen=True, slots=True)
class RegistrationParameters:
    """The dated values in `residence_registration.toml`."""

    own_registration_days_max: History[int | None]
    change_report_days_max: History[int]
    guardian_required_below_age: History[int]
    reporters_for_minors: History[tuple[Reporter, ...]]
    short_stay_with_relatives_days_max: History[int]
    continuity_gap_days_max: History[int]


def read_registration_parameters(document: Document) -> RegistrationParameters:
    """The values in `residence_registration.toml`."""
    raise NotImplementedError


def assess_registration(facts: RegistrationFacts, parameters: RegistrationParameters) -> RegistrationAssessment:
    """Decide whether a registration stands and whether the law asks for it."""
    raise NotImplementedError


def assess_change_report(*, changed_on: date, reported_on: date, parameters: RegistrationParameters) -> ChangeReport:
    """Whether a change of residence or data was told in time (RR-09). Late or not, it is recorded."""
    raise NotImplementedError


def registered_since(periods: Iterable[RegistrationPeriod], on: date, parameters: RegistrationParameters) -> date | None:
    """Since when somebody has been registered in this city without a break, seen from `on`; `None` when not registered on that day.

    Moving between towns of one county-level city keeps the half year running, and so does a gap of at most
    `continuity_gap_days_max` days between two registrations (a design choice, see the parameter).
    """
    raise NotImplementedError
