"""The yearly endorsement (签注) as arithmetic: residence years from an anchor, their windows, and what a list of
endorsements leaves waiting (RR-30 to RR-32). Every date is computed from the anchor, never from the window before, so month
ends do not drift.
"""

from dataclasses import dataclass, replace
from datetime import date

from services.chassis.months import add_months
from services.registry.rules.residence_permit import PermitFacts, ResidenceYear


def residence_year(anchor: date, number: int, *, window_months: int) -> ResidenceYear:
    """The `number`-th year from `anchor`, counting from 1; its window is the `window_months` before it is completed (RR-30)."""
    return ResidenceYear(
        number=number,
        starts_on=add_months(anchor, 12 * (number - 1)),
        completed_on=add_months(anchor, 12 * number),
        window_opens_on=add_months(anchor, 12 * number - window_months),
    )


def first_year_to_endorse(anchor: date, issued_on: date, *, window_months: int, issue_counts: bool) -> ResidenceYear:
    """The first year completed after the day of issue.

    With `issue_counts`, a permit issued inside a window needs no endorsement in that same window: the conditions have just
    been examined.
    """
    number = max(1, issued_on.year - anchor.year)
    year = residence_year(anchor, number, window_months=window_months)
    while year.completed_on <= issued_on or (issue_counts and year.window_opens_on <= issued_on):
        number += 1
        year = residence_year(anchor, number, window_months=window_months)
    return year


@dataclass(frozen=True, slots=True)
class EndorsementClock:
    """Where a permit stands: the anchor its years are counted from, the year that waits, where continuous residence begins."""

    anchor: date
    waiting: ResidenceYear
    counted_from: date

    def after(self, endorsed_on: date, *, window_months: int) -> "EndorsementClock":
        """The clock after an endorsement.

        In its window it settles the waiting year. Late it restores the function and continuous residence begins anew that
        day (RR-32); the years to endorse are then counted from there too, whatever the anchor was (a design choice: the
        text anchors endorsement on the years of residence). Before its window it settles nothing: it lifted an officer's
        suspension.
        """
        if endorsed_on < self.waiting.window_opens_on:
            return self
        if endorsed_on < self.waiting.completed_on:
            return replace(self, waiting=residence_year(self.anchor, self.waiting.number + 1, window_months=window_months))
        return EndorsementClock(endorsed_on, residence_year(endorsed_on, 1, window_months=window_months), endorsed_on)


def endorsement_clock(
    permit: PermitFacts, on: date, *, anchor: date, window_months: int, issue_counts: bool
) -> EndorsementClock:
    """The clock of a permit on a day, from all endorsements made up to and including it."""
    first = first_year_to_endorse(anchor, permit.issued_on, window_months=window_months, issue_counts=issue_counts)
    clock = EndorsementClock(anchor, first, permit.residence_start)
    for endorsed_on in sorted(permit.endorsed_on):
        if endorsed_on <= on:
            clock = clock.after(endorsed_on, window_months=window_months)
    return clock
