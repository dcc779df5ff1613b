"""The papers of the regime of 2009 (`zj-2009`): RR-13, RR-36, RR-47 to RR-51, for records of what was issued then.

Instrument: Zhejiang floating-population residence registration regulation, text of 2009 (浙江省流动人口居住登记条例,
"ZJ-2009"). The day of issue picks the values, never today. Not here: RR-54, which stood in a draft only, and the extras of
other cities (RR-52, RR-53). Values with dates, sources and confidence: `parameters/historical_permits.toml`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from services.chassis.months import add_months, is_younger_than
from services.chassis.parameters import Document, Fields, History, Register, day, one_of, text, whole_number
from services.chassis.working_days import WorkingDays
from services.registry.rules import historical_permit_reasons as because
from services.registry.rules.residence_permit import Excusal, Reason
from services.registry.rules.residence_registration import InstitutionStay, RegistrationPeriod

_ONE_DAY = timedelta(days=1)


class HistoricalKind(StrEnum):
    """The two papers of 2009 (RR-47)."""

    TEMPORARY = "temporary_residence_permit"
    """浙江省临时居住证"""
    RESIDENCE = "residence_permit"
    """浙江省居住证"""


class HistoricalStatus(StrEnum):
    """Where a paper stands on a day."""

    VALID = "valid"
    EXPIRED = "expired"
    ENDED = "ended"
    """Handed back, exchanged or withdrawn before its expiry."""
    ANNULLED = "annulled"
    """Recorded in error: it never was."""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a paper of a kind is valid, in months, the limits included."""

    kind: HistoricalKind
    months_min: int
    months_max: int


@dataclass(frozen=True, slots=True)
class HistoricalParameters:
    """The dated values in `historical_permits.toml`."""

    terms: Register[Term]
    temporary_permit_months_min: History[int]
    issued_unasked_from_age: History[int]
    short_stay_days_max: History[int]
    issue_working_days_max: History[int]
    gap_days_max: History[int]
    residence_permit_counts_until: History[date]
    issue_fee_fen: History[int]
    valid_in_division: History[str]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as issued. `valid_until` is the last day printed on it; `ended_on` the first day without it, when earlier."""

    kind: HistoricalKind
    issued_on: date
    valid_until: date
    division_code: str
    ended_on: date | None = None
    was_error: bool = False


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """What is known of the issue of a paper. `None` is not known and is never held against the holder.

    `earlier` are the other papers on file; `stay_days` how long the holder meant to stay.
    """

    paper: Paper
    applied_on: date | None = None
    birth_date: date | None = None
    was_asked_for: bool | None = None
    stay_days: int | None = None
    institution_stay: InstitutionStay | None = None
    earlier: tuple[Paper, ...] = ()
    excused_as: Excusal | None = None
    has_fixed_home: bool | None = None
    has_stable_work: bool | None = None


@dataclass(frozen=True, slots=True)
class IssueAssessment:
    """`problems`: no paper of this kind can look like this; it is not recorded. `doubts`: a condition of its issue that what is
    on file does not bear out; the paper was issued all the same, and is recorded.

    `due_on` is the last day for issuing (RR-51), `None` without a day of application; provisional where the calendar of that
    year is not held. `was_late` is `None` when it cannot be told.
    """

    problems: tuple[Reason, ...]
    doubts: tuple[Reason, ...]
    due_on: date | None
    is_due_provisional: bool
    was_late: bool | None


def read_historical_parameters(document: Document) -> HistoricalParameters:
    """The values in `historical_permits.toml`. Raises ParameterError."""
    parameters = HistoricalParameters(
        terms=document.register("terms", _read_term),
        temporary_permit_months_min=document.history("temporary_permit_months_min", whole_number(1, 120)),
        issued_unasked_from_age=document.history("issued_unasked_from_age", whole_number(1, 30)),
        short_stay_days_max=document.history("short_stay_days_max", whole_number(1, 365)),
        issue_working_days_max=document.history("issue_working_days_max", whole_number(1, 100)),
        gap_days_max=document.history("gap_days_max", whole_number(0, 365)),
        residence_permit_counts_until=document.history("residence_permit_counts_until", day),
        issue_fee_fen=document.history("issue_fee_fen", whole_number(0, 100_000)),
        valid_in_division=document.history("valid_in_division", text),
    )
    document.finish()
    return parameters


def assess_issue(facts: IssueFacts, parameters: HistoricalParameters, calendar: WorkingDays) -> IssueAssessment:
    """Whether this can be a paper of 2009, and whether its issue followed the rules as far as is known (RR-47 to RR-51)."""
    paper = facts.paper
    if problems := _problems(facts, parameters):
        return IssueAssessment(problems, (), None, is_due_provisional=False, was_late=None)
    doubts = conditions_not_borne_out(facts, parameters)
    if facts.applied_on is None:
        return IssueAssessment((), doubts, None, is_due_provisional=False, was_late=None)
    term = calendar.deadline(facts.applied_on, parameters.issue_working_days_max.on(paper.issued_on))
    return IssueAssessment((), doubts, term.due_on, term.is_provisional, term.is_missed_by(paper.issued_on))


def conditions_not_borne_out(facts: IssueFacts, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    """What the file does not bear out of the conditions on which a paper of that kind was issued (RR-48, RR-50)."""
    is_temporary = facts.paper.kind is HistoricalKind.TEMPORARY
    return (_unasked if is_temporary else _conditions_of_the_residence_permit)(facts, parameters)


def term_on(kind: HistoricalKind, on: date, parameters: HistoricalParameters) -> Term | None:
    """How long a paper of that kind and day was valid; `None` when there was none."""
    return next((term for term in parameters.terms.on(on) if term.kind is kind), None)


def why_no_such_paper(kind: HistoricalKind, on: date, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    """Why nobody could have a paper of that kind and day; empty when one could (RR-36, RR-47)."""
    if term_on(kind, on, parameters) is not None:
        return ()
    first = parameters.terms.rows[0].valid_from
    return (because.REGULATION_NOT_YET if first is not None and on < first else because.NO_LONGER_ISSUED,)


def status_on(paper: Paper, on: date) -> HistoricalStatus:
    """RR-36: valid to its expiry, the last day included, whatever law came after."""
    if paper.was_error:
        return HistoricalStatus.ANNULLED
    if paper.ended_on is not None and paper.ended_on <= on:
        return HistoricalStatus.ENDED
    return HistoricalStatus.VALID if on <= paper.valid_until else HistoricalStatus.EXPIRED


def recorded_residence(papers: Iterable[Paper], parameters: HistoricalParameters) -> tuple[RegistrationPeriod, ...]:
    """RR-13, MPS-38: the time for which papers are records of residence, as periods of registration in their divisions."""
    periods = []
    for paper in papers:
        until = min(paper.valid_until + _ONE_DAY, paper.ended_on or date.max)
        if paper.kind is HistoricalKind.RESIDENCE:
            until = min(until, parameters.residence_permit_counts_until.on(paper.issued_on))
        if not paper.was_error and paper.issued_on < until:
            periods.append(RegistrationPeriod(paper.issued_on, until, paper.division_code))
    return tuple(periods)


def _problems(facts: IssueFacts, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    paper = facts.paper
    term = term_on(paper.kind, paper.issued_on, parameters)
    if term is None:
        return why_no_such_paper(paper.kind, paper.issued_on, parameters)
    problems = []
    # Offices printed the last day or the same day of the month after it; either is the whole term.
    if paper.valid_until < add_months(paper.issued_on, term.months_min) - _ONE_DAY:
        problems.append(because.term_too_short(paper.kind, term.months_min))
    if paper.valid_until > add_months(paper.issued_on, term.months_max):
        problems.append(because.term_too_long(paper.kind, term.months_max))
    if facts.applied_on is not None and facts.applied_on > paper.issued_on:
        problems.append(because.APPLIED_AFTER_ISSUE)
    return tuple(problems)


def _unasked(facts: IssueFacts, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    """RR-50: not issued unless asked for."""
    if facts.was_asked_for is not False:
        return ()
    on, doubts = facts.paper.issued_on, []
    age = parameters.issued_unasked_from_age.on(on)
    if facts.birth_date is not None and is_younger_than(facts.birth_date, age, on):
        doubts.append(because.under_age(age))
    days = parameters.short_stay_days_max.on(on)
    if facts.stay_days is not None and facts.stay_days <= days:
        doubts.append(because.short_stay(days))
    if facts.institution_stay is not None:
        doubts.append(because.UNIT_REPORTS)
    return tuple(doubts)


def _conditions_of_the_residence_permit(facts: IssueFacts, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    """RR-48: the temporary permit held, three continuous years, a fixed home, stable work; talents and investors are exempt
    from the years.
    """
    doubts = []
    if facts.excused_as is None:
        months = parameters.temporary_permit_months_min.on(facts.paper.issued_on)
        since = _held_since(facts, parameters)
        if since is None or add_months(since, months) > facts.paper.issued_on:
            doubts.append(because.years_not_on_file(months))
    if facts.has_fixed_home is False:
        doubts.append(because.NO_FIXED_HOME)
    if facts.has_stable_work is False:
        doubts.append(because.NO_STABLE_WORK)
    return tuple(doubts)


def _held_since(facts: IssueFacts, parameters: HistoricalParameters) -> date | None:
    """Since when temporary permits were held without a break up to the issue, anywhere in the province (RR-49)."""
    held = [paper for paper in facts.earlier if paper.kind is HistoricalKind.TEMPORARY]
    periods = recorded_residence((replace(paper, division_code="") for paper in held), parameters)
    return begun_with(periods, facts.paper.issued_on, parameters.gap_days_max.on(facts.paper.issued_on))


def begun_with(periods: Iterable[RegistrationPeriod], start: date, gap_days_max: int) -> date | None:
    """Where the unbroken chain of periods begins that leads up to `start`; `None` when none reaches it.

    Up to `gap_days_max` days between two links do not break it, nor between the last one and `start`.
    """
    since = start
    for period in sorted(periods, key=lambda period: period.registered_on, reverse=True):
        if period.registered_on >= since:
            continue
        until = period.ended_on or date.max
        if (since - until).days <= gap_days_max:
            since = period.registered_on
    return since if since < start else None


def _read_term(fields: Fields) -> Term:
    return Term(
        kind=fields.take("kind", one_of(HistoricalKind)),
        months_min=fields.take("months_min", whole_number(1, 240)),
        months_max=fields.take("months_max", whole_number(1, 240)),
    )
