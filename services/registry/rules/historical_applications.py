"""What the regime of 2009 says of an application of its time (RR-47 to RR-51): asked of old files, and decided by nobody.

The office of then decided. The text left further conditions to the counties, and this county's were not found (RR-48): of a
residence permit it can be said that a known condition is not borne out, never that all of them were met.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.working_days import WorkingDays
from services.registry.rules import historical_permit_reasons as because
from services.registry.rules.historical_permits import (
    HistoricalKind,
    HistoricalParameters,
    IssueFacts,
    Paper,
    conditions_not_borne_out,
    term_on,
    why_no_such_paper,
)
from services.registry.rules.residence_permit import Excusal, Reason


class Bearing(StrEnum):
    """How far what is known bears the conditions out."""

    BORNE_OUT = "borne_out"
    OPEN = "open"
    """Nothing known stands against it, and something is not known."""
    NOT_BORNE_OUT = "not_borne_out"


@dataclass(frozen=True, slots=True)
class HistoricalApplication:
    """What was applied for and when; `earlier` are the papers on file, `None` is not known."""

    kind: HistoricalKind
    applied_on: date
    birth_date: date | None = None
    earlier: tuple[Paper, ...] = ()
    excused_as: Excusal | None = None
    has_fixed_home: bool | None = None
    has_stable_work: bool | None = None


@dataclass(frozen=True, slots=True)
class ApplicationBearing:
    """`reasons`: conditions not borne out; `gaps`: what nobody knows. The paper was due on `due_on` (RR-51), free, valid for
    `months_min` to `months_max` in the whole province (RR-47, RR-49).
    """

    outcome: Bearing
    reasons: tuple[Reason, ...]
    gaps: tuple[Reason, ...]
    due_on: date
    is_due_provisional: bool
    fee_fen: int
    months_min: int
    months_max: int
    valid_in: str


def why_not_of_2009(application: HistoricalApplication, parameters: HistoricalParameters) -> tuple[Reason, ...]:
    """Why the regime of 2009 says nothing of it; empty when it does."""
    return why_no_such_paper(application.kind, application.applied_on, parameters)


def assess_historical_application(
    application: HistoricalApplication, parameters: HistoricalParameters, calendar: WorkingDays
) -> ApplicationBearing:
    """What the text says of an application of the regime's days. Raises LookupError for any other."""
    on = application.applied_on
    term = term_on(application.kind, on, parameters)
    if term is None:
        raise LookupError("not an application of the regime of 2009")
    reasons = conditions_not_borne_out(_as_if_issued(application), parameters)
    gaps = _gaps(application) if application.kind is HistoricalKind.RESIDENCE else ()
    deadline = calendar.deadline(on, parameters.issue_working_days_max.on(on))
    return ApplicationBearing(
        outcome=Bearing.NOT_BORNE_OUT if reasons else Bearing.OPEN if gaps else Bearing.BORNE_OUT,
        reasons=reasons,
        gaps=gaps,
        due_on=deadline.due_on,
        is_due_provisional=deadline.is_provisional,
        fee_fen=parameters.issue_fee_fen.on(on),
        months_min=term.months_min,
        months_max=term.months_max,
        valid_in=parameters.valid_in_division.on(on),
    )


def _as_if_issued(application: HistoricalApplication) -> IssueFacts:
    """The conditions are those of the day it was asked for; it was asked for, so RR-50 stands against nobody."""
    return IssueFacts(
        Paper(application.kind, application.applied_on, application.applied_on, division_code=""),
        birth_date=application.birth_date,
        was_asked_for=True,
        earlier=application.earlier,
        excused_as=application.excused_as,
        has_fixed_home=application.has_fixed_home,
        has_stable_work=application.has_stable_work,
    )


def _gaps(application: HistoricalApplication) -> tuple[Reason, ...]:
    unknown = (
        (because.FIXED_HOME_NOT_KNOWN, application.has_fixed_home),
        (because.STABLE_WORK_NOT_KNOWN, application.has_stable_work),
    )
    return (because.COUNTY_CONDITIONS_NOT_FOUND, *(gap for gap, known in unknown if known is None))
