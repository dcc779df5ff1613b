"""What the registry's events say of a person, as facts a rule set can read. Pure: the store brings the mirrored rows.

The registry knows this city alone, so it says of a permit, a home or a job that it is there, never that it is not: what is not
registered here is unknown, and unknown gives nothing and takes nothing away.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.points_hukou.rules.gathering.sources import Feed, RegistryField, Reliability

_IN_ERROR = "recorded_in_error"
_EMPLOYED = "employment"


@dataclass(frozen=True, slots=True)
class Residence:
    """A residence registration: in force from `registered_on` until before `ended_on`."""

    registered_on: date
    residence_since: date
    ended_on: date | None
    end_reason: str | None
    residence_kind: str


@dataclass(frozen=True, slots=True)
class Permit:
    """An issued permit; `suspended_on` while it is suspended."""

    issued_on: date | None
    residence_years_from: date | None
    suspended_on: date | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class Job:
    """A registered employment."""

    employer: str
    started_on: date
    ended_on: date | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class Registered:
    """One human in the registry, under all ids it ever had. `birth_dates`: that of the id in use first."""

    birth_dates: tuple[date, ...]
    residences: tuple[Residence, ...]
    permits: tuple[Permit, ...]
    jobs: tuple[Job, ...]


def values_of(registered: Registered, feed: Feed, on: date) -> Sequence[object]:
    """What the registry says of a fact on a day, as it stands in a document of facts; nothing when it says nothing.

    More than one value, when ids that were merged disagree; that of the id in use is the first.
    """
    if feed.field is RegistryField.BIRTH_DATE:
        return [day.isoformat() for day in dict.fromkeys(registered.birth_dates)]
    value = _READ[feed.field](registered, feed.kinds, on)
    return [] if value is None else [value]


def reliability_of(registered: Registered, feed: Feed, on: date) -> Reliability:
    """Who stands for it: the registry, but for what it wrote down as the person said it."""
    present = _present(registered, on) if feed.field is RegistryField.HOME else None
    return Reliability.DECLARED if present is not None and present.residence_kind in feed.declared else Reliability.REGISTRY


def _counted(residences: Sequence[Residence], on: date) -> list[Residence]:
    return [each for each in residences if each.end_reason != _IN_ERROR and each.registered_on <= on]


def _is_on(start: date, until: date | None, day: date) -> bool:
    return start <= day and (until is None or day < until)


def _present(registered: Registered, on: date) -> Residence | None:
    present = [each for each in _counted(registered.residences, on) if _is_on(each.registered_on, each.ended_on, on)]
    return max(present, key=lambda each: each.registered_on, default=None)


def _residence_since(registered: Registered, _: Mapping[str, str], on: date) -> object:
    """RR-10, RR-21: moving within the city does not break it."""
    present = _present(registered, on)
    return None if present is None else present.residence_since.isoformat()


def _residences(registered: Registered, kinds: Mapping[str, str], on: date) -> object:
    return _periods(
        ((each.registered_on, each.ended_on) for each in _counted(registered.residences, on)), kinds.get("residence")
    )


def _home(registered: Registered, kinds: Mapping[str, str], on: date) -> object:
    present = _present(registered, on)
    option = None if present is None else kinds.get(present.residence_kind)
    return None if option is None else [option]


def _jobs(registered: Registered, on: date) -> list[Job]:
    return [each for each in registered.jobs if each.end_reason != _IN_ERROR and each.started_on <= on]


def _employments(registered: Registered, kinds: Mapping[str, str], on: date) -> object:
    return _periods(((each.started_on, each.ended_on) for each in _jobs(registered, on)), kinds.get(_EMPLOYED))


def _present_employer(registered: Registered, kinds: Mapping[str, str], on: date) -> object:
    jobs = _jobs(registered, on)
    present = {each.employer for each in jobs if _is_on(each.started_on, each.ended_on, on)}
    return _periods(((each.started_on, each.ended_on) for each in jobs if each.employer in present), kinds.get(_EMPLOYED))


def _lives_and_works(registered: Registered, _: Mapping[str, str], on: date) -> object:
    works = any(_is_on(each.started_on, each.ended_on, on) for each in _jobs(registered, on))
    return True if works and _present(registered, on) is not None else None


def _valid(permit: Permit) -> tuple[date, date | None] | None:
    """From when until before when a permit is known to be valid without a break: a late endorsement restarts its years (RR-32),
    and what was before the restart had a gap whose days the event does not tell."""
    if permit.issued_on is None:
        return None
    start = max(permit.issued_on, permit.residence_years_from or permit.issued_on)
    ends = [day for day in (permit.suspended_on, permit.ended_on) if day is not None]
    until = min(ends, default=None)
    return None if until is not None and until <= start else (start, until)


def _permits(registered: Registered, kinds: Mapping[str, str], on: date) -> object:
    valid = [each for each in map(_valid, registered.permits) if each is not None and each[0] <= on]
    return _periods(valid, kinds.get("permit"))


def _holds_permit(registered: Registered, _: Mapping[str, str], on: date) -> object:
    valid = [each for each in map(_valid, registered.permits) if each is not None]
    return True if any(_is_on(start, until, on) for start, until in valid) else None


def _periods(periods: Iterable[tuple[date, date | None]], option: str | None) -> object:
    kind = {} if option is None else {"kind": option}
    rows = [
        {"from": start.isoformat(), **({} if until is None else {"until": until.isoformat()}), **kind}
        for start, until in periods
        if until is None or start < until
    ]
    return rows or None


_READ: Mapping[RegistryField, Callable[[Registered, Mapping[str, str], date], object]] = {
    RegistryField.RESIDENCE_SINCE: _residence_since,
    RegistryField.RESIDENCES: _residences,
    RegistryField.HOME: _home,
    RegistryField.EMPLOYMENTS: _employments,
    RegistryField.PRESENT_EMPLOYER: _present_employer,
    RegistryField.LIVES_AND_WORKS: _lives_and_works,
    RegistryField.PERMITS: _permits,
    RegistryField.HOLDS_PERMIT: _holds_permit,
}
