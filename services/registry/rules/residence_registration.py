"""Residence registration (居住登记): who registers, for whom, who need not, and when the half year begins (RR-03 to RR-13)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from services.chassis.months import is_younger_than
from services.chassis.parameters import Document, History, list_of, one_of, whole_number
from services.registry.rules.division import county_of, is_division_code
from services.registry.rules.findings import Finding
from services.registry.rules.identity_number import Origin
from services.registry.rules.reporting import ChangeReport, report_of_change


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
    has_document: bool = True
    documents_expired_on: date | None = None
    """The last day of the documents on file, when all of them say one."""


@dataclass(frozen=True, slots=True)
class RegistrationAssessment:
    """`problems` stop the registration. `is_required` is false for exempt stays and local hukou – then it is still possible
    on request.

    `notes` explain: exemptions (RR-07, RR-08), separate rules (RR-11), local hukou (RR-01), no valid document (RR-03), which
    stops nobody from being registered. `clock_starts_on` is where the
    half year of RR-20 begins: the day of registration, not of arrival (RR-10). `due_on` is the limit for the person's own
    registration, `None` while no limit is set (RR-05).
    """

    problems: tuple[Finding, ...]
    is_required: bool
    notes: tuple[Finding, ...]
    clock_starts_on: date
    due_on: date | None
    registered_late: bool


@dataclass(frozen=True, slots=True)
class RegistrationPeriod:
    """One registration on the time line: registered (inclusive) to ended (exclusive), `None` while it runs; one recorded in
    error never was.
    """

    registered_on: date
    ended_on: date | None
    division_code: str
    was_error: bool = False


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
    """The values in `residence_registration.toml`. Raises ParameterError."""
    parameters = RegistrationParameters(
        own_registration_days_max=document.optional_history("own_registration_days_max", whole_number(1, 365)),
        change_report_days_max=document.history("change_report_days_max", whole_number(1, 365)),
        guardian_required_below_age=document.history("guardian_required_below_age", whole_number(1, 30)),
        reporters_for_minors=document.history("reporters_for_minors", list_of(one_of(Reporter))),
        short_stay_with_relatives_days_max=document.history("short_stay_with_relatives_days_max", whole_number(1, 365)),
        continuity_gap_days_max=document.history("continuity_gap_days_max", whole_number(0, 365)),
    )
    document.finish()
    return parameters


def assess_registration(facts: RegistrationFacts, parameters: RegistrationParameters) -> RegistrationAssessment:
    """Decide whether a registration stands and whether the law asks for it (RR-03 to RR-11; ZJ-2016 Art 7, 12, 16, 38)."""
    days_max = parameters.own_registration_days_max.on(facts.registered_on)
    due_on = None if days_max is None else facts.started_on + timedelta(days=days_max)
    not_required = _why_not_required(facts, parameters)
    separate_rules = (_SEPARATE_RULES,) if facts.origin in {Origin.HONG_KONG_MACAO_TAIWAN, Origin.FOREIGN} else ()
    return RegistrationAssessment(
        problems=_problems(facts, parameters),
        is_required=not (not_required or separate_rules),
        notes=(*not_required, *separate_rules, *_document_doubts(facts)),
        clock_starts_on=facts.registered_on,
        due_on=due_on,
        registered_late=due_on is not None and facts.registered_on > due_on and not not_required,
    )


def assess_change_report(*, changed_on: date, reported_on: date, parameters: RegistrationParameters) -> ChangeReport:
    """Whether a change of residence or data was told in time (RR-09; ZJ-2016 Art 13). Late or not, it is recorded."""
    days_max = parameters.change_report_days_max.on(changed_on)
    return report_of_change(changed_on=changed_on, reported_on=reported_on, days_max=days_max)


def registered_since(periods: Iterable[RegistrationPeriod], on: date, parameters: RegistrationParameters) -> date | None:
    """Since when somebody has been registered in this city without a break, seen from `on`; `None` when not registered that
    day.

    Moving between towns of one county-level city keeps the half year running, and so does a gap of at most
    `continuity_gap_days_max` days between two registrations (a design choice, see the parameter). Another county starts
    anew. What an office records in error costs nobody the half year.
    """
    begun = sorted(
        (period for period in without_errors(periods) if period.registered_on <= on), key=lambda period: period.registered_on
    )
    current = [period for period in begun if period.ended_on is None or on < period.ended_on]
    if not current:
        return None
    county = _county(current[-1])
    gap = timedelta(days=parameters.continuity_gap_days_max.on(on))
    since, until = current[-1].registered_on, date.min
    for period in begun:
        if _county(period) != county:
            continue
        if until == date.min or (until < date.max - gap and until + gap < period.registered_on):
            since = period.registered_on
        until = max(until, period.ended_on or date.max)
    return since


def without_errors(periods: Iterable[RegistrationPeriod]) -> list[RegistrationPeriod]:
    """The periods without those recorded in error; one that ended because of such an error ran on until the error was ended."""
    given = sorted(periods, key=lambda period: period.registered_on)
    kept = [period for period in given if not period.was_error]
    for error in (period for period in given if period.was_error):
        kept = [replace(one, ended_on=error.ended_on) if one.ended_on == error.registered_on else one for one in kept]
    return kept


def _county(period: RegistrationPeriod) -> str:
    return county_of(period.division_code) or period.division_code


def _problems(facts: RegistrationFacts, parameters: RegistrationParameters) -> tuple[Finding, ...]:
    problems = []
    if not is_division_code(facts.division_code):
        problems.append(_MALFORMED_DIVISION)
    if facts.started_on > facts.registered_on:
        problems.append(_STARTS_IN_FUTURE)
    age = parameters.guardian_required_below_age.on(facts.registered_on)
    is_minor = facts.birth_date is not None and is_younger_than(facts.birth_date, age, facts.registered_on)
    if is_minor and facts.reported_by not in parameters.reporters_for_minors.on(facts.registered_on):
        problems.append(_guardian_needed(age))
    return tuple(problems)


def _why_not_required(facts: RegistrationFacts, parameters: RegistrationParameters) -> tuple[Finding, ...]:
    """Every reason why the law does not ask for this registration; it stays possible on request."""
    reasons = []
    if facts.is_floating is False:
        reasons.append(_LOCAL_HUKOU)
    if facts.institution_stay is not None:
        reasons.append(_INSTITUTION_REGISTERS)
    if facts.expected_end_on is not None and facts.is_with_close_relatives_of_local_hukou:
        days_max = parameters.short_stay_with_relatives_days_max.on(facts.registered_on)
        if (facts.expected_end_on - facts.started_on).days <= days_max:
            reasons.append(_short_stay(days_max))
    return tuple(reasons)


def _document_doubts(facts: RegistrationFacts) -> tuple[Finding, ...]:
    """RR-03, ZJ-2016 Art 7: on a valid identity document; who has none co-operates in identity collection."""
    if not facts.has_document:
        return (_IDENTITY_COLLECTION,)
    expired_on = facts.documents_expired_on
    return (_DOCUMENT_EXPIRED,) if expired_on is not None and expired_on < facts.registered_on else ()


def _guardian_needed(age: int) -> Finding:
    return Finding(
        "guardian_needed",
        "RR-04",
        f"未满{age}周岁的,由监护人办理居住登记(学校、救助站等单位由单位申报)。",
        f"A person under {age} is registered by the guardian, or reported by the institution that houses the person.",
    )


def _short_stay(days_max: int) -> Finding:
    return Finding(
        "short_stay_with_relatives",
        "RR-08",
        f"在本地户籍近亲属处居住不超过{days_max}日的,可以不办理居住登记;本人要求的,仍可办理。",
        f"A stay of {days_max} days or less with close relatives of local hukou need not be registered; it can be, on request.",
    )


_MALFORMED_DIVISION = Finding(
    "division_code_malformed",
    "C-20",
    "行政区划代码应为2、4、6、9或12位数字。",
    "A division code has 2, 4, 6, 9 or 12 digits.",
)
_STARTS_IN_FUTURE = Finding(
    "starts_in_future",
    "RR-10",
    "居住开始日期不能晚于登记日期。",
    "Residence cannot begin after the day of registration.",
)
_LOCAL_HUKOU = Finding(
    "local_hukou",
    "RR-01",
    "户籍在本县(市、区)范围内,不属于流动人口,法律不要求办理居住登记。",
    "The hukou is of this county or city: not a floating person, and the law asks for no registration.",
)
_INSTITUTION_REGISTERS = Finding(
    "institution_registers",
    "RR-07",
    "旅馆住宿、住院、寄宿就读、救助站救助人员由所在单位登记报送,本人无需办理;本人要求的,仍可办理。",
    "Guests of hotels, in-patients, boarders and persons in rescue stations are registered by the unit; "
    "in person on request only.",
)
_SEPARATE_RULES = Finding(
    "separate_rules",
    "RR-11",
    "外国人和香港、澳门、台湾居民的居住登记按国家另行规定办理;本登记仅作服务记录。",
    "Foreigners and residents of Hong Kong, Macao and Taiwan follow separate state rules; "
    "this registration serves as a record only.",
)
_DOCUMENT_EXPIRED = Finding(
    "identity_document_expired",
    "RR-03",
    "登记应凭有效身份证件;在档证件均已过期,请换领后补报。",
    "Registration rests on a valid identity document; those on file are out of date: have one renewed and told.",
)
_IDENTITY_COLLECTION = Finding(
    "identity_collection",
    "RR-03",
    "没有身份证件的,应当配合进行身份信息采集。",
    "Who has no identity document co-operates in identity collection.",
)
