"""The clock of a request (V-24 to V-26): until when it is answered, and what may happen to that day.

Instrument: Government Information Disclosure Regulations (政府信息公开条例, "OGI") 30, 32, 33. Only an application for
government information is told to be incomplete, is extended, or waits for a third party; no article lengthens the term of a
request about one's own data. What happened is a list of steps, and the last day follows from them alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.chassis.working_days import WorkingDays
from services.registry.rules.residence_permit import Reason
from services.registry.rules.rights import RightsKind, RightsParameters


class ClockAct(StrEnum):
    """What may happen to the clock of a request."""

    INCOMPLETE_TOLD = "incomplete_told"
    """告知补正 (OGI 30)"""
    SUPPLEMENTED = "supplemented"
    """收到补正 (OGI 30)"""
    EXTENDED = "extended"
    """延长答复期限 (OGI 33)"""
    THIRD_PARTY_ASKED = "third_party_asked"
    """征求第三方意见 (OGI 32)"""
    THIRD_PARTY_HEARD = "third_party_heard"
    """收到第三方意见 (OGI 32)"""


class Opinion(StrEnum):
    """What a third party said."""

    AGREES = "agrees"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class ClockStep:
    """One thing that happened. `until`: the last day of who was told or asked; `working_days`: by how many it was extended."""

    act: ClockAct
    on: date
    until: date | None = None
    working_days: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """The last day for deciding; `is_provisional` where the calendar of working days of that year is not held."""

    due_on: date
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """What is asked for, since when, and what happened to the clock, oldest first."""

    kind: RightsKind
    received_on: date
    steps: Sequence[ClockStep] = ()

    @property
    def supplement_due_on(self) -> date | None:
        """Until when what is missing may be handed in; `None` when nothing is waited for."""
        last = self.steps[-1] if self.steps else None
        return last.until if last is not None and last.act is ClockAct.INCOMPLETE_TOLD else None

    def is_third_party_asked(self, today: date) -> bool:
        """Whether somebody else's opinion may still come; its last day itself is in time."""
        asked = [step for step in self.steps if step.act in {ClockAct.THIRD_PARTY_ASKED, ClockAct.THIRD_PARTY_HEARD}]
        return bool(asked) and asked[-1].act is ClockAct.THIRD_PARTY_ASKED and today <= (asked[-1].until or date.max)


def term_of(clock: Clock, parameters: RightsParameters, calendar: WorkingDays) -> Term:
    """Until when it is decided; the day it came in is not counted. While somebody is waited for: as if the answer came on the
    last day.

    A supplement starts the term anew (OGI 30); the time of asking a third party does not count (OGI 33).
    """
    if clock.kind is not RightsKind.INFORMATION:
        return Term(clock.received_on + timedelta(days=parameters.dsr_days.on(clock.received_on)))
    runs_from, left, is_provisional = clock.received_on, parameters.information_working_days.on(clock.received_on), False
    for step in clock.steps:
        if step.act is ClockAct.THIRD_PARTY_ASKED:
            used = calendar.count(runs_from, step.on)
            left, is_provisional = max(left - used.working_days, 0), is_provisional or used.is_provisional
        if step.act is ClockAct.EXTENDED:
            left += step.working_days
        else:
            runs_from = step.until or step.on
    deadline = calendar.deadline(runs_from, left)
    return Term(deadline.due_on, is_provisional or deadline.is_provisional)


def opinion_due_on(handed_over_on: date, parameters: RightsParameters, calendar: WorkingDays) -> date:
    """The last day for the opinion of a third party that was asked in writing on that day (OGI 32)."""
    return calendar.deadline(handed_over_on, parameters.third_party_working_days.on(handed_over_on)).due_on


def is_abandoned(clock: Clock, today: date) -> bool:
    """Whether it counts as given up: what was missing did not come in time (OGI 30). The last day itself is in time."""
    return clock.supplement_due_on is not None and clock.supplement_due_on < today


def why_not_decidable(clock: Clock, today: date) -> tuple[Reason, ...]:
    """Whom the decision waits for; a third party that is silent holds it up no longer than its term (OGI 32)."""
    if clock.supplement_due_on is not None:
        return (_WAITS_FOR_SUPPLEMENT,)
    return (_THIRD_PARTY_IS_ASKED,) if clock.is_third_party_asked(today) else ()


def why_not_lawful(
    act: ClockAct, clock: Clock, today: date, parameters: RightsParameters, calendar: WorkingDays
) -> tuple[Reason, ...]:
    """Everything that stands against it today; empty when it may happen."""
    if clock.kind is not RightsKind.INFORMATION:
        return (_ONLY_FOR_INFORMATION,)
    happened = {step.act for step in clock.steps}
    term = term_of(clock, parameters, calendar)
    is_over = term.due_on < today and not term.is_provisional
    is_incomplete = clock.supplement_due_on is not None
    is_asked = clock.is_third_party_asked(today)
    told_by = calendar.deadline(clock.received_on, parameters.incomplete_told_working_days.on(clock.received_on))
    against = {
        ClockAct.INCOMPLETE_TOLD: ((_TOLD_ONCE, bool(happened)), (_TOLD_TOO_LATE, told_by.is_missed_by(today) is True)),
        ClockAct.SUPPLEMENTED: ((_NOTHING_MISSING, not is_incomplete),),
        ClockAct.EXTENDED: (
            (_WAITS_FOR_SUPPLEMENT, is_incomplete),
            (_EXTENDED_ONCE, ClockAct.EXTENDED in happened),
            (_TERM_IS_OVER, is_over),
        ),
        ClockAct.THIRD_PARTY_ASKED: (
            (_WAITS_FOR_SUPPLEMENT, is_incomplete),
            (_THIRD_PARTY_IS_ASKED, is_asked),
            (_TERM_IS_OVER, is_over),
        ),
        ClockAct.THIRD_PARTY_HEARD: ((_NOBODY_IS_ASKED, not is_asked),),
    }
    return tuple(reason for reason, stands in against[act] if stands)


_OGI_30 = "《中华人民共和国政府信息公开条例》第三十条"
_OGI_32 = "《中华人民共和国政府信息公开条例》第三十二条"
_OGI_33 = "《中华人民共和国政府信息公开条例》第三十三条"


def _reason(code: str, article: str, zh: str, en: str, rule: str = "V-26") -> Reason:
    return Reason(code, article, rule, zh, en)


_ONLY_FOR_INFORMATION = _reason(
    "only_for_information",
    "《中华人民共和国个人信息保护法》第五十条",
    "关于本人信息的请求没有延长或者中止期限的规定。",
    "No article lengthens or stops the term of a request about one's own data.",
    "V-24",
)
_TOLD_ONCE = _reason(
    "told_once",
    _OGI_30,
    "补正应当一次性告知,并应先于延长和征求意见。",
    "What is missing is told once, and before anything is extended or anybody asked.",
)
_TOLD_TOO_LATE = _reason(
    "told_too_late",
    _OGI_30,
    "告知补正的期限(自收到申请之日起七个工作日)已过。",
    "The time for telling that something is missing is over.",
)
_NOTHING_MISSING = _reason("nothing_missing", _OGI_30, "没有等待补正的事项。", "Nothing is waited for.")
_WAITS_FOR_SUPPLEMENT = _reason(
    "waits_for_supplement", _OGI_30, "正在等待申请人补正。", "The request waits for what is missing."
)
_EXTENDED_ONCE = _reason("extended_once", _OGI_33, "答复期限已经延长。", "The term was extended already.")
_TERM_IS_OVER = _reason("term_is_over", _OGI_33, "答复期限已过,应即答复。", "The term is over; the answer is due now.")
_THIRD_PARTY_IS_ASKED = _reason(
    "third_party_is_asked",
    _OGI_32,
    "正在征求第三方意见,期限未满。",
    "A third party is asked, and its time has not run out.",
)
_NOBODY_IS_ASKED = _reason(
    "nobody_is_asked",
    _OGI_32,
    "没有正在征求的意见,或者提出意见的期限已过。",
    "Nobody is asked, or the time for an opinion is over.",
)
LATE_WITHOUT_REASON = _reason(
    "late_without_reason",
    _OGI_30,
    "逾期补正的,应当说明正当理由,由经办人认定;否则视为放弃申请。",
    "What comes late needs a good reason that an officer accepts; otherwise the request counts as given up.",
)
"""Why a supplement that comes after its day is not taken."""
