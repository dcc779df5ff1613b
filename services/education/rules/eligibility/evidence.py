"""Dated evidence, and how long it lasted: intervals, bridged breaks, months."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from services.chassis.months import add_months, whole_months
from services.education.rules.eligibility.document import EvidenceKind

_ONE_DAY = timedelta(days=1)
_Period = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something one person had from a day until before another (`None`: it lasts). Insured months are whole calendar months.

    `person` is the child or one of the parents, by whatever word the caller uses for them; `source` is who says so.
    """

    person: str
    kind: EvidenceKind
    valid_from: date
    valid_until: date | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Whom evidence is about, the child's birth date and the grade it enters; for grade 7, whether it leaves primary school."""

    child: str
    parents: tuple[str, ...]
    birth_date: date
    grade: int
    is_primary_leaver: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """An unbroken time that was still on at a day: its beginning, and its full months until that day, that day counted."""

    since: date
    months: int


def periods_of(evidence: Iterable[Evidence], person: str, kinds: Iterable[EvidenceKind], until: date) -> list[_Period]:
    """When a person had any of these kinds, up to a day and that day counted; touching and overlapping times are one."""
    wanted, end = set(kinds), until + _ONE_DAY
    found = sorted(
        (each.valid_from, min(each.valid_until or end, end))
        for each in evidence
        if each.person == person and each.kind in wanted and each.valid_from < end
    )
    return list(_merged(found, 0))


def run_until(periods: list[_Period], until: date, break_days_max: int) -> Run | None:
    """The time still on at `until`, over breaks of at most so many days; one that ended so few days before is still on."""
    bridged = list(_merged(periods, break_days_max))
    end = until + _ONE_DAY
    if not bridged or (end - bridged[-1][1]).days > break_days_max:
        return None
    since = bridged[-1][0]
    return Run(since, whole_months(since, end))


def months_within(periods: list[_Period], until: date, within_months: int) -> int:
    """Full calendar months covered, of the last so many that were over at the end of `until`."""
    end = (until + _ONE_DAY).replace(day=1)
    firsts = [add_months(end, -back) for back in range(1, within_months + 1)]
    return sum(any(since <= first and add_months(first, 1) <= over for since, over in periods) for first in firsts)


def _merged(periods: Iterable[_Period], break_days_max: int) -> Iterator[_Period]:
    """Periods in order, those no further apart than so many days made one."""
    since: date | None = None
    over = date.min
    for start, end in periods:
        if end <= start:
            continue
        if since is not None and (start - over).days <= break_days_max:
            over = max(over, end)
            continue
        if since is not None:
            yield since, over
        since, over = start, end
    if since is not None:
        yield since, over
