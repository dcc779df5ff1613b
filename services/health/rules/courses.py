"""Where a child stands in a series on a day: the course that applies, how far it is, what the next dose must keep to.

The same bounds judge a dose that was given and forecast one that will be, so that a forecast can never name a day on which
the dose would not count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from services.health.rules.assessment import Verdict
from services.health.rules.child import Child, Dose
from services.health.rules.compiling import Vaccine
from services.health.rules.document.schedule import Course, Had, Series, Step, When
from services.health.rules.spans import Span

_EARLY = ("IMM-01", "IMM-11")
_SHORT = ("IMM-11",)


@dataclass(frozen=True, slots=True)
class Counted:
    """A dose that counts in a series."""

    dose: Dose
    vaccine: Vaccine


Record = Mapping[str, Sequence[Counted]]
"""The counted doses of every series, each oldest first."""


class Bound(NamedTuple):
    """The first day allowed by one rule, and the dose it is measured from."""

    day: date
    verdict: Verdict
    because_of: str | None = None


def course_on(series: Series, child: Child, day: date, record: Record) -> Course | None:
    """The first course that applies on a day, given what has been counted; `None` where the series is not meant for the
    child.
    """
    if not applies(series.when, series.id, child, day, record):
        return None
    for course in series.courses:
        if applies(course.when, series.id, child, day, record):
            return course
    return None


def applies(when: When, series: str, child: Child, day: date, record: Record) -> bool:
    """Whether everything a condition names holds; one that names nothing always does."""
    if not when.model_fields_set:
        return True
    if when.age_from is not None and day < when.age_from.after(child.born_on):
        return False
    if when.age_until is not None and day >= when.age_until.after(child.born_on):
        return False
    return _is_meant_for(when, child) and all(_has_had(each, series, record) for each in when.had)


def _is_meant_for(when: When, child: Child) -> bool:
    if when.born_from is not None and child.born_on < when.born_from:
        return False
    if when.born_before is not None and child.born_on >= when.born_before:
        return False
    if when.sex is not None and child.sex != when.sex:
        return False
    return _is_special_infant(when, child)


def _is_special_infant(when: When, child: Child) -> bool:
    if when.mother_hbsag is not None and child.mother_hbsag not in when.mother_hbsag:
        return False
    weight, weeks = child.birth_weight_g, child.gestation_weeks
    if when.birth_weight_below_g is not None and (weight is None or weight >= when.birth_weight_below_g):
        return False
    return when.gestation_weeks_until is None or (weeks is not None and weeks < when.gestation_weeks_until)


def _has_had(had: Had, series: str, record: Record) -> bool:
    counted = record.get(had.series or series, ())
    number = sum(1 for each in counted if not each.vaccine.tags.isdisjoint(had.of))
    return number >= had.at_least and (had.at_most is None or number <= had.at_most)


def needed(course: Course, counted: Sequence[Counted]) -> int:
    """How many doses are still missing: in all, and of each vaccine or antigen the course needs (IMM-22 to IMM-25)."""
    moved = counted
    if course.counts:
        moved = [each for each in counted if not each.vaccine.tags.isdisjoint(course.counts)]
    missing = max(len(course.steps) - len(moved), 0)
    for tag, number in course.needs.items():
        missing = max(missing, number - sum(1 for each in counted if tag in each.vaccine.tags))
    return missing


def next_step(course: Course, missing: int) -> Step:
    """The step of the next dose when so many are missing."""
    return course.steps[len(course.steps) - missing]


def proposed(course: Course, step: Step, counted: Sequence[Counted]) -> Iterator[str]:
    """The vaccines for the next dose, best first: what the course needs before all others (IPV before bOPV, IMM-22)."""
    for tag, number in course.needs.items():
        if tag in step.accept and sum(1 for each in counted if tag in each.vaccine.tags) < number:
            yield tag
    yield from step.give


def is_accepted(course: Course, step: Step, counted: Sequence[Counted], given: Counted) -> bool:
    """Whether a vaccine may be that dose: of those named, and one that brings the course on."""
    if given.vaccine.tags.isdisjoint(step.give) and given.vaccine.tags.isdisjoint(step.accept):
        return False
    return not course.needs or needed(course, [*counted, given]) < needed(course, counted)


def until(series: Series, tags: frozenset[str], born_on: date) -> date:
    """The first day on which a vaccine is no longer given in this series."""
    end = series.until.after(born_on)
    for vaccine, span in series.vaccine_until.items():
        if vaccine in tags:
            end = min(end, span.after(born_on))
    return end


def bounds(step: Step, age: Span, child: Child, counted: Sequence[Counted], record: Record) -> list[Bound]:
    """What the next dose must keep to: its age – that of its step, or one of its own – and its intervals."""
    found = [Bound(age.after(child.born_on), Verdict.TOO_EARLY)]
    if counted and step.after is not None:
        last = counted[-1].dose
        found.append(Bound(step.after.after(last.given_on), Verdict.INTERVAL_TOO_SHORT, last.id))
    if counted and step.after_first is not None:
        first = counted[0].dose
        found.append(Bound(step.after_first.after(first.given_on), Verdict.INTERVAL_TOO_SHORT, first.id))
    if step.after_other is not None and (others := record.get(step.after_other.series)):
        other = others[-1].dose
        found.append(Bound(step.after_other.interval.after(other.given_on), Verdict.INTERVAL_TOO_SHORT, other.id))
    return found


def rules_of(bound: Bound, course: Course) -> tuple[str, ...]:
    """The rules a bound rests on."""
    return (*(_EARLY if bound.verdict is Verdict.TOO_EARLY else _SHORT), *course.rules)
