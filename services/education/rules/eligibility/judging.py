"""What a family's evidence comes to under one city's conditions: every reason at once, each with its rule, in both languages.

Nobody of school age is turned away: who does not meet the conditions of placement by points is registered and helped (EDU-10),
and told what is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.months import whole_years
from services.education.rules.eligibility.document import KIND_NAMES, Asked, Condition, EligibilityRules, Who, YearlyDay
from services.education.rules.eligibility.evidence import Evidence, Family, months_within, periods_of, run_until
from services.education.rules.reasons import Reason

_ENTRY_GRADES = (1, 7)


class Route(StrEnum):
    """What follows: placement by points; registration and help by the town and the county; too young, or no entry grade."""

    PLACEMENT = "placement"
    HELP = "help"
    NOT_THIS_ROUND = "not_this_round"


@dataclass(frozen=True, slots=True)
class Judged:
    """One condition: whether it holds, by whose evidence, and if not every reason."""

    condition: Condition
    met_by: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. `reasons`: everything that stands against placement by points, of the child itself first."""

    rules: EligibilityRules
    of_child: tuple[Reason, ...]
    judged: tuple[Judged, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason at once."""
        return (*self.of_child, *(reason for each in self.judged for reason in each.reasons))

    @property
    def is_eligible(self) -> bool:
        """Whether the child may be placed by points."""
        return not self.reasons

    @property
    def route(self) -> Route:
        """What follows."""
        if self.of_child:
            return Route.NOT_THIS_ROUND
        return Route.PLACEMENT if self.is_eligible else Route.HELP


def judge(
    rules: EligibilityRules, family: Family, evidence: Sequence[Evidence], *, entry_year: int, applied_on: date
) -> Answer:
    """Judge a family. Raises ValueError for a year before the rules held."""
    if entry_year < rules.entry_years_from:
        raise ValueError(f"{rules.id} holds for entry from {rules.entry_years_from} on")
    of_child = tuple(_of_child(rules, family, entry_year))
    look = _Look(evidence, entry_year, applied_on)
    if not rules.same_parent:
        return Answer(rules, of_child, tuple(_judged(each, family, family.parents, look) for each in rules.conditions))
    answers = [
        Answer(rules, of_child, tuple(_judged(each, family, (parent,), look) for each in rules.conditions))
        for parent in family.parents or ("",)
    ]
    return min(answers, key=lambda each: sum(not one.holds for one in each.judged))


def _of_child(rules: EligibilityRules, family: Family, entry_year: int) -> Iterator[Reason]:
    age = rules.age
    by = age.by.in_year(entry_year)
    if family.grade not in _ENTRY_GRADES:
        zh, en = "中间年级按空余学位转学,不参加本轮", "other grades than the first and the seventh are entered by transfer"
        yield Reason("no_entry_grade", "", "EDU-18", zh, en)
    elif family.grade == 7 and not family.is_primary_leaver:
        yield Reason(
            "no_primary_leaver", "", "EDU-23", "不是应届小学毕业生", "the child does not leave primary school this year"
        )
    elif family.grade == 1 and whole_years(family.birth_date, by) < age.years_min:
        zh, en = f"{by.isoformat()}未满{age.years_min}周岁", f"not yet {age.years_min} years old on {by.isoformat()}"
        yield Reason("too_young", age.article, age.rule, zh, en)


@dataclass(frozen=True, slots=True)
class _Look:
    """All evidence, looked at for one year of entry."""

    evidence: Sequence[Evidence]
    entry_year: int
    applied_on: date

    def shortfall(self, asked: Asked, person: str) -> tuple[str, str] | None:
        """What a person lacks of what is asked; `None` when nothing."""
        until = self._day(asked.until)
        periods = periods_of(self.evidence, person, asked.evidence, until)
        if asked.within_months is not None:
            return _too_few(asked, months_within(periods, until, asked.within_months), until)
        run = run_until(periods, until, asked.break_days_max)
        if run is None:
            return f"{until.isoformat()}时没有", f"none on {until.isoformat()}"
        if asked.begun_by is not None and run.since > (begun_by := self._day(asked.begun_by)):
            zh = f"自{run.since.isoformat()}起未中断,应不晚于{begun_by.isoformat()}"
            return zh, f"unbroken since {run.since.isoformat()}, needed since {begun_by.isoformat()} at the latest"
        if run.months < asked.months_min:
            zh = f"至{until.isoformat()}连续满{run.months}个月,应满{asked.months_min}个月"
            return zh, f"{run.months} full months without a break by {until.isoformat()}, {asked.months_min} needed"
        return None

    def _day(self, asked: YearlyDay | str) -> date:
        return asked.in_year(self.entry_year) if isinstance(asked, YearlyDay) else self.applied_on


def _too_few(asked: Asked, months: int, until: date) -> tuple[str, str] | None:
    if months >= asked.months_min:
        return None
    zh = f"至{until.isoformat()}前{asked.within_months}个月内累计{months}个月,应满{asked.months_min}个月"
    en = f"{months} months within the {asked.within_months} up to {until.isoformat()}, {asked.months_min} needed"
    return zh, en


def _judged(condition: Condition, family: Family, parents: Sequence[str], look: _Look) -> Judged:
    if condition.who is Who.CHILD:
        return _by_anyone(condition, (family.child,), look)
    if condition.who is Who.ONE_PARENT:
        return _by_anyone(condition, parents, look)
    each = [_by_anyone(condition, (parent,), look) for parent in family.parents]
    return Judged(
        condition, tuple(one for part in each for one in part.met_by), tuple(r for part in each for r in part.reasons)
    )


def _by_anyone(condition: Condition, people: Sequence[str], look: _Look) -> Judged:
    """Whether one of these people meets it in one way or another; if not, what each lacks in each way."""
    lacking = []
    for person in people:
        for asked in condition.any_of:
            found = look.shortfall(asked, person)
            if found is None:
                return Judged(condition, (person,), ())
            lacking.append(_reason(condition, asked, person, found))
    return Judged(condition, (), tuple(lacking) or (_nobody(condition),))


def _reason(condition: Condition, asked: Asked, person: str, found: tuple[str, str]) -> Reason:
    names = [KIND_NAMES[kind] for kind in asked.evidence]
    zh = f"{condition.name_zh}({person},{'或'.join(name for name, _ in names)}):{found[0]}"
    en = f"{condition.name_en} ({person}, {' or '.join(name for _, name in names)}): {found[1]}"
    return Reason(condition.id, condition.article, condition.rule, zh, en)


def _nobody(condition: Condition) -> Reason:
    zh, en = f"{condition.name_zh}:未登记父母或其他监护人", f"{condition.name_en}: no parent or guardian is registered"
    return Reason(condition.id, condition.article, condition.rule, zh, en)
