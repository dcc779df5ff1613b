"""Times in which a vaccine must not be given: after other live vaccines, after immunoglobulin, while deferred or barred."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.health.rules.assessment import Verdict
from services.health.rules.child import Barred, Child, Dose
from services.health.rules.compiling import General, Programme, Vaccine


class Kind(StrEnum):
    """What stands against a vaccine in a time."""

    LIVE = "live"
    IMMUNOGLOBULIN = "immunoglobulin"
    DEFERRED = "deferred"
    CONTRAINDICATED = "contraindicated"
    REFERRED = "referred"


@dataclass(frozen=True, slots=True)
class Window:
    """From `since`, inclusive, until `until`, exclusive or open."""

    since: date
    until: date | None
    kind: Kind
    rules: tuple[str, ...]
    because_of: str | None = None

    def covers(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.since <= day and (self.until is None or day < self.until)


VERDICTS = {Kind.LIVE: Verdict.LIVE_TOO_CLOSE, Kind.IMMUNOGLOBULIN: Verdict.AFTER_IMMUNOGLOBULIN}
"""What a dose in such a time is. A dose given in spite of a contraindication or deferral was given: it counts."""


def of_others(vaccine: Vaccine, child: Child, live: Sequence[tuple[Dose, Vaccine]], general: General) -> list[Window]:
    """What other doses and immunoglobulin leave: the times a dose given in spite of them does not count."""
    windows: list[Window] = []
    if vaccine.is_live_injected:
        windows.extend(spacing(vaccine, live, general))
    if child.immunoglobulins:
        windows.extend(after_immunoglobulin(vaccine, child, general))
    return windows


def spacing(vaccine: Vaccine, live: Sequence[tuple[Dose, Vaccine]], general: General) -> Iterator[Window]:
    """Injected live vaccines are given on one day or four weeks apart (IMM-05), also from doses that do not count."""
    if not is_spaced(vaccine, general):
        return
    for dose, other in live:
        if is_spaced(other, general):
            since = dose.given_on + timedelta(1)
            yield Window(
                since, general.live_spacing.value.after(dose.given_on), Kind.LIVE, (general.live_spacing.rule,), dose.id
            )


def is_spaced(vaccine: Vaccine, general: General) -> bool:
    """Whether the rule of live vaccines looks at this one; an edition may leave some out, such as BCG (P5)."""
    return vaccine.is_live_injected and vaccine.tags.isdisjoint(general.spaced_not)


def after_immunoglobulin(vaccine: Vaccine, child: Child, general: General) -> Iterator[Window]:
    """Immunoglobulin makes some vaccines wait (IMM-08)."""
    for wait in general.immunoglobulin:
        if not vaccine.tags.isdisjoint(wait.vaccines):
            for day in child.immunoglobulins:
                yield Window(day, wait.value.after(day), Kind.IMMUNOGLOBULIN, (wait.rule,))


def personal(vaccine: Vaccine, child: Child, programme: Programme) -> Iterator[Window]:
    """Contraindications, conditions and deferrals of this child."""
    for each in child.contraindications:
        if _concerns(each, vaccine):
            yield Window(each.since, each.until, Kind.CONTRAINDICATED, ("K1",))
    for each in child.deferrals:
        if _concerns(each, vaccine):
            yield Window(each.since, each.until, Kind.DEFERRED, ("K6",))
    for each in child.conditions:
        yield from _of_condition(each, vaccine, programme)


def _of_condition(each: Barred, vaccine: Vaccine, programme: Programme) -> Iterator[Window]:
    for name in each.what:
        condition = programme.conditions[name]
        for named, kind in (
            (condition.bars, Kind.CONTRAINDICATED),
            (condition.defers, Kind.DEFERRED),
            (condition.refers, Kind.REFERRED),
        ):
            if not vaccine.tags.isdisjoint(named):
                yield Window(each.since, each.until, kind, condition.rules)


def _concerns(barred: Barred, vaccine: Vaccine) -> bool:
    return not barred.what or not vaccine.tags.isdisjoint(barred.what)


def first_free(day: date, windows: Iterable[Window]) -> date | Window:
    """The first day from `day` on that lies in no window, or the open window that lets there be none."""
    waiting = list(windows)
    while covering := next((each for each in waiting if each.covers(day)), None):
        if covering.until is None:
            return covering
        day = covering.until
    return day
