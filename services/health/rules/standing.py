"""A forecast as it is kept with a card: one short line per line of protection, and the days a list is sorted by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.health.rules.assessment import Assessment, LineForecast, Standing

_SAID_NOTHING = frozenset({Standing.NOT_MEANT})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a forecast. `lines` are plain values; equal forecasts are equal, whatever the day they were made on."""

    edition: str
    lines: list[dict[str, Any]]
    next_on: date | None
    overdue_from: date | None
    due_lines: tuple[str, ...]
    overdue_lines: tuple[str, ...]


def kept(assessment: Assessment) -> Kept:
    """What is kept of an assessment."""
    told = [each for each in assessment.forecasts.values() if each.standing not in _SAID_NOTHING]
    nexts = [each.next for each in told if each.next is not None]
    return Kept(
        assessment.edition,
        [_line(each) for each in told],
        min((each.recommended for each in nexts), default=None),
        min((each.overdue_from for each in nexts), default=None),
        _standing(told, Standing.DUE),
        _standing(told, Standing.OVERDUE),
    )


def _standing(told: Iterable[LineForecast], standing: Standing) -> tuple[str, ...]:
    return tuple(sorted(each.line for each in told if each.standing is standing))


def _line(forecast: LineForecast) -> dict[str, Any]:
    line: dict[str, Any] = {
        "line": forecast.line,
        "standing": str(forecast.standing),
        "counted": forecast.counted,
        "needed": forecast.needed,
    }
    if (next_ := forecast.next) is not None:
        line |= {"vaccine": next_.vaccine, "dose_no": next_.dose_no}
        line |= {name: getattr(next_, name).isoformat() for name in ("earliest", "recommended", "overdue_from", "latest")}
    return line
