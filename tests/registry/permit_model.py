"""A second, deliberately naive reading of residence.md §3: one person's registration and permits under regime `zj-2016`.

Written from the policy text alone, so that the registry and this page can only agree by both reading the law right. It is slow
on purpose: dates are found by walking the calendar month by month and year by year, the status of a permit is worked out anew
each time it is asked for, and nothing is stored that follows from the acts.
"""

import calendar
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

HALF_YEAR_MONTHS = 6
"""RR-20, RR-21."""
DUE_DAYS = 15
"""RR-26: calendar days from acceptance; the day of acceptance is not counted."""
DUE_DAYS_REMOTE = 30
"""RR-26: at most, in remote areas or where transport is poor."""

MOVE_DAYS = 10
"""RR-09: a change of residence is reported within ten days, the day of the move not counted."""

PROOFS = {
    "employment": {"labour_contract", "business_licence"},
    "home": {"lease", "title_document"},
    "study": {"student_card"},
}
"""RR-22: papers that prove each head; of the code list only those the tests hand in."""

Ground = Literal["employment", "home", "study"]
EndorsementAnchor = Literal["residence_start", "issue_date"]


class Outcome(StrEnum):
    """What became of an act: done, a lawful refusal of an application or endorsement, or an act that is impossible here."""

    OK = "ok"
    REFUSED = "refused"
    ALREADY_REGISTERED = "already registered"
    NOT_REGISTERED = "not registered"
    ALREADY_APPLIED = "an application or a permit is alive"
    NO_SUCH_PERMIT = "nothing was ever applied for"
    WRONG_STATE = "the permit's status does not allow it"
    WINDOW_NOT_OPEN = "too early to endorse"
    CONDITIONS_GONE = "the conditions no longer hold"
    LOSS_ALREADY_REPORTED = "the loss is reported already"
    OLD_CARD_NOT_RETURNED = "a damaged card is handed back first"
    CLOCK_BACKWARDS = "time does not go back"


class Why(StrEnum):
    """Why an application was refused; all reasons are told at once (RR-24)."""

    NOT_REGISTERED = "not registered"
    HALF_YEAR = "half a year is not complete"
    NO_PROOF = "the head is not proved"


class Status(StrEnum):
    """The states of §3.1 a permit can be found in."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    VALID = "valid"
    SUSPENDED = "suspended"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    """An application ended before the issue: the registry's own word, §3.1 has none."""


def day_in_month(year: int, month: int, day: int) -> date:
    """That day, or the last one of a month too short for it (RR-21)."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def months_after(start: date, months: int) -> date:
    """`start`, so many calendar months later, walked one by one; negative: earlier."""
    year, month = start.year, start.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    return day_in_month(year, month, start.day)


@dataclass(slots=True)
class Registration:
    """One stay on the register of one town."""

    town: str
    registered_on: date
    since: date
    """First day of unbroken registration in this city: a move within it goes on where the last stay stopped."""
    ended_on: date | None = None
    """First day on which the person no longer lives there."""


@dataclass(slots=True)
class Permit:
    """An application and what grew from it: only the acts, nothing that follows from them."""

    applied_on: date
    residence_start: date | None
    is_remote: bool
    reasons: frozenset[Why]
    issued_on: date | None = None
    examined_on: date | None = None
    """Last day on which the conditions were examined and found to hold: the issue or the last endorsement."""
    restarted_on: date | None = None
    """Day of the last late endorsement (RR-32)."""
    suspended_by_officer_on: date | None = None
    card_lost: bool = False
    ended_on: date | None = None


@dataclass(slots=True)
class PermitModel:
    """One person, today, and what the law makes of what was done so far.

    Where the text leaves a choice, the docstring of the field or act names the rule and the choice.
    """

    today: date
    anchor: EndorsementAnchor = "residence_start"
    """RR-30: where the yearly window hangs. The text says residence, many offices use the issue anniversary."""
    registrations: list[Registration] = field(default_factory=list)
    permits: list[Permit] = field(default_factory=list)

    # --- the calendar (overridden by the planted bugs) ---

    def half_year_after(self, day: date) -> date:
        """First day on which half a year since `day` is complete: the same day six months on, month-end clamp (RR-21)."""
        return months_after(day, HALF_YEAR_MONTHS)

    def window_of_year(self, anchor: date, years: int) -> tuple[date, date]:
        """The month before so many years are complete: first and last day, both included (RR-30 and the table of §3.1).

        The month begins on the anchor's day of the month, counted from the anchor: after 29 February 2020 it is 29 January to
        27 February 2021, the anniversary being 28 February (the text leaves this open; the registry's choice).
        """
        return months_after(anchor, 12 * years - 1), months_after(anchor, 12 * years) - timedelta(days=1)

    def years_restart(self, permit: Permit) -> None:
        """A late endorsement starts the counted years anew on the day it is made (RR-32)."""
        permit.restarted_on = self.today

    # --- what can be asked ---

    @property
    def registration(self) -> Registration | None:
        """The registration alive today."""
        if self.registrations and self.registrations[-1].ended_on is None:
            return self.registrations[-1]
        return None

    @property
    def permit(self) -> Permit | None:
        """The latest application, whatever became of it."""
        return self.permits[-1] if self.permits else None

    @property
    def status(self) -> Status | None:
        """How the latest application or permit stands today; `None` when there never was one (§3.1)."""
        permit = self.permit
        if permit is None:
            return None
        if permit.reasons:
            return Status.REFUSED
        if permit.ended_on is not None:
            return Status.ENDED if permit.issued_on else Status.WITHDRAWN
        if permit.issued_on is None:
            return Status.ACCEPTED
        return Status.VALID if self.suspended_on is None else Status.SUSPENDED

    @property
    def suspended_on(self) -> date | None:
        """First day without function, of a permit that has none today: the officer's day, or the day after a missed window."""
        permit, window = self.permit, self.window
        if permit is None or window is None:
            return None
        causes = [permit.suspended_by_officer_on] if permit.suspended_by_officer_on else []
        if self.is_overdue:
            causes.append(window[1] + timedelta(days=1))
        return min(causes, default=None)

    @property
    def is_card_lost(self) -> bool:
        """Whether the card of a living permit is reported lost."""
        return self.permit is not None and self.permit.card_lost and self.permit.ended_on is None

    @property
    def due_on(self) -> date | None:
        """Last day for issuing what was accepted (RR-26)."""
        if self.permit is None or self.permit.reasons:
            return None
        return self.permit.applied_on + timedelta(days=DUE_DAYS_REMOTE if self.permit.is_remote else DUE_DAYS)

    @property
    def years_from(self) -> date | None:
        """Day from which continuous residence years count: residence, or the last late endorsement (RR-21, RR-32)."""
        if self.permit is None or self.permit.issued_on is None:
            return None
        return self.permit.restarted_on or self.permit.residence_start

    @property
    def window(self) -> tuple[date, date] | None:
        """The coming, running or missed endorsement window.

        It is the first one that opens after the conditions were last examined. So a permit issued inside a window needs no
        endorsement in that window (the conditions were examined for the issue: a design choice), an endorsement in a window
        answers that window only, and one that was missed stays missed until a late endorsement (RR-31).
        """
        permit = self.permit
        if permit is None or permit.issued_on is None or permit.examined_on is None or permit.ended_on is not None:
            return None
        anchor = permit.issued_on if self.anchor == "issue_date" else self.years_from
        assert anchor is not None
        years = 1
        while True:
            first, last = self.window_of_year(anchor, years)
            if first > permit.examined_on:
                return first, last
            years += 1

    @property
    def is_overdue(self) -> bool:
        """Whether the window went by without an endorsement: the function is suspended by itself (RR-31)."""
        window = self.window
        return window is not None and self.today > window[1]

    # --- what can be done ---

    def move_clock(self, to: date) -> Outcome:
        """Days go by."""
        if to < self.today:
            return Outcome.CLOCK_BACKWARDS
        self.today = to
        return Outcome.OK

    def register(self, town: str) -> Outcome:
        """Register the person in a town of this city, today; how long they lived here unregistered does not matter (RR-10).

        Registering in another town ends the registration in the one before. The half year is one of this *city* (RR-01, RR-21),
        so a stay goes on when the next one is registered in time for a move (RR-09; the registry's choice where the text is
        silent on days between two registrations).
        """
        before = self.registrations[-1] if self.registrations else None
        if before is None:
            self.registrations.append(Registration(town, self.today, since=self.today))
            return Outcome.OK
        if before.ended_on is None:
            if before.town == town:
                return Outcome.ALREADY_REGISTERED
            before.ended_on = self.today
        unbroken = self.today <= before.ended_on + timedelta(days=MOVE_DAYS)
        self.registrations.append(Registration(town, self.today, since=before.since if unbroken else self.today))
        return Outcome.OK

    def change_address(self) -> Outcome:
        """A move within the town: reported, the registration goes on (RR-09)."""
        return Outcome.OK if self.registration is not None else Outcome.NOT_REGISTERED

    def leave(self, ended_on: date) -> Outcome:
        """The person lives here no longer from that day on: today, or told late."""
        if self.registration is None:
            return Outcome.NOT_REGISTERED
        self.registration.ended_on = ended_on
        return Outcome.OK

    def apply(self, ground: Ground, evidence: Collection[str], *, is_remote: bool = False) -> Outcome:
        """Apply for a permit: accepted on the spot (RR-27) or refused with every reason at once (RR-20 to RR-24)."""
        if self.status in {Status.ACCEPTED, Status.VALID, Status.SUSPENDED}:
            return Outcome.ALREADY_APPLIED
        reasons = set()
        registration = self.registration
        if registration is None:
            reasons.add(Why.NOT_REGISTERED)
        elif self.today < self.half_year_after(registration.since):
            reasons.add(Why.HALF_YEAR)
        if not PROOFS[ground] & set(evidence):
            reasons.add(Why.NO_PROOF)
        restarts = [permit.restarted_on for permit in self.permits if permit.restarted_on]
        since = max([registration.since, *restarts]) if registration else None  # restarted years stay restarted (RR-32)
        self.permits.append(Permit(self.today, since, is_remote, frozenset(reasons)))
        return Outcome.REFUSED if reasons else Outcome.OK

    def issue(self) -> Outcome:
        """Issue what was accepted; a late office does not take the permit away (RR-26), having left does (RR-20)."""
        refusal, permit = self._permit_in(Status.ACCEPTED)
        if permit is None:
            return refusal
        if self.registration is None:
            return Outcome.CONDITIONS_GONE
        permit.issued_on = permit.examined_on = self.today
        return Outcome.OK

    def endorse(self, *, conditions_hold: bool = True) -> Outcome:
        """Endorse for a year: in the window, or late, which restores the function today (RR-30 to RR-33).

        A function an officer took away comes back with any endorsement (the registry's own choice; no rule names such a
        suspension). Only a *late* endorsement restarts the years, and one before the window does not answer that window.

        Of the conditions the register itself holds (RR-33), a registration alive today is asked for, and of who left and came
        back a new half year (RR-20, RR-21).
        """
        refusal, permit = self._permit_in(Status.VALID, Status.SUSPENDED)
        if permit is None:
            return refusal
        window = self.window
        assert window is not None
        if self.today < window[0] and not permit.suspended_by_officer_on:
            return Outcome.WINDOW_NOT_OPEN
        if self.registration is None or not conditions_hold:
            return Outcome.CONDITIONS_GONE
        since = self.registration.since
        assert permit.residence_start is not None
        if since > permit.residence_start and self.today < self.half_year_after(since):
            return Outcome.CONDITIONS_GONE
        if self.is_overdue:
            self.years_restart(permit)
        permit.examined_on = self.today
        permit.suspended_by_officer_on = None
        return Outcome.OK

    def suspend_by_officer(self) -> Outcome:
        """An officer takes the function of a valid permit away."""
        refusal, permit = self._permit_in(Status.VALID)
        if permit is None:
            return refusal
        permit.suspended_by_officer_on = self.today
        return Outcome.OK

    def report_loss(self) -> Outcome:
        """The card is lost; the permit is not (§3.1)."""
        refusal, permit = self._permit_in(Status.VALID, Status.SUSPENDED)
        if permit is None:
            return refusal
        if permit.card_lost:
            return Outcome.LOSS_ALREADY_REPORTED
        permit.card_lost = True
        return Outcome.OK

    def replace(self, cause: Literal["lost", "damaged"], *, is_old_card_returned: bool = False) -> Outcome:
        """A new card for the same permit: same years, same window, same status (RR-34, §3.1).

        A card may be asked for as lost without a report before; of the two only a damaged one can be handed back.
        """
        refusal, permit = self._permit_in(Status.VALID, Status.SUSPENDED)
        if permit is None:
            return refusal
        if cause == "damaged" and not is_old_card_returned:
            return Outcome.OLD_CARD_NOT_RETURNED
        permit.card_lost = False
        return Outcome.OK

    def end(self) -> Outcome:
        """End the permit (RR-37), or withdraw the application that was accepted."""
        refusal, permit = self._permit_in(Status.ACCEPTED, Status.VALID, Status.SUSPENDED)
        if permit is None:
            return refusal
        permit.ended_on = self.today
        return Outcome.OK

    def _permit_in(self, *allowed: Status) -> tuple[Outcome, Permit | None]:
        if self.permit is None:
            return Outcome.NO_SUCH_PERMIT, None
        if self.status not in allowed:
            return Outcome.WRONG_STATE, None
        return Outcome.OK, self.permit
