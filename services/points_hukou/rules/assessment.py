"""The result of counting: every component with what it rests on, and what follows for the total."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from services.points_hukou.rules.compiling import CountedItem, JudgedClause, RuleSet
from services.points_hukou.rules.document.lines import AnyLine
from services.points_hukou.rules.document.rule_set import Group, Percentage, ScalePart, Service
from services.points_hukou.rules.facts import Facts


class NotCounted(StrEnum):
    """Why a component gives nothing to this total."""

    BETTER_OF_GROUP = "better_of_group"
    NOT_VALID_THERE = "not_valid_there"
    OTHER_SERVICE = "other_service"


@dataclass(frozen=True, slots=True)
class Counting:
    """What one line came to. `pieces` were measured, `units` counted of them; `uncapped` and `points` before and after caps.

    `lines` are those within; `taken` those of them that count.
    """

    line: AnyLine
    holds: bool
    pieces: tuple[Fraction, ...]
    units: Fraction
    uncapped: Fraction
    points: Fraction
    lines: tuple["Counting", ...] = ()
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """One item: how it was counted, its points rounded, and whether they count."""

    item: CountedItem
    on: date
    counting: Counting
    points: Fraction
    not_counted: NotCounted | None

    @property
    def counted(self) -> Fraction:
        """What it gives to the total."""
        return self.points if self.not_counted is None else Fraction(0)


@dataclass(frozen=True, slots=True)
class PartTotal:
    """The sum of a part, before and after its cap."""

    part: ScalePart
    uncapped: Fraction
    points: Fraction


@dataclass(frozen=True, slots=True)
class PercentageTotal:
    """What a percentage added."""

    percentage: Percentage
    of: Fraction
    points: Fraction


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause, and whether its condition holds."""

    clause: JudgedClause
    holds: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """The score of one person for one service. `uncapped` is the total before floor and cap."""

    rule_set: RuleSet
    facts: Facts
    service: Service
    use_in: str | None
    components: tuple[Component, ...]
    groups: tuple[Group, ...]
    parts: tuple[PartTotal, ...]
    percentages: tuple[PercentageTotal, ...]
    judged: tuple[Judged, ...]
    uncapped: Fraction
    total: Fraction
    tie_breaks: Mapping[str, Fraction | date | None]

    @property
    def is_vetoed(self) -> bool:
        """Whether a veto cleared the score."""
        return any(each.holds for each in self.judged if each.clause.law.effect == "veto")

    @property
    def is_frozen(self) -> bool:
        """Whether the score cannot be used for any service (P-07)."""
        return any(each.holds for each in self.judged if each.clause.law.effect == "freeze")

    @property
    def not_eligible(self) -> tuple[Judged, ...]:
        """The conditions of eligibility that do not hold."""
        return tuple(each for each in self.judged if each.clause.law.effect == "eligibility" and not each.holds)

    @property
    def stands(self) -> bool:
        """Whether the person is eligible and the score may be used."""
        return not (self.is_vetoed or self.is_frozen or self.not_eligible)

    @property
    def passes(self) -> bool | None:
        """Whether the pass mark is reached by an eligible person whose score may be used; `None` without a pass mark."""
        if self.service.pass_mark is None:
            return None
        return self.stands and self.total >= self.service.pass_mark
