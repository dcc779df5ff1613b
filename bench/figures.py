"""What a benchmark says: one figure, the limit it is held against, and whether the goal of issue 3 is reached."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table


class Goal(StrEnum):
    """How a figure is judged. Only a ratio may fail a run: absolute figures depend on the machine and its neighbours."""

    RATIO = "ratio"
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`ours` and `limit` in `unit`; `limit_name` says what was measured beside it. `note` is for whoever reads the table."""

    name: str
    unit: str
    ours: float | None
    limit: float | None = None
    limit_name: str = ""
    kind: Goal
    goal: float
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a share of the limit."""
        return self.ours / self.limit if self.ours is not None and self.limit else None

    @property
    def reached(self) -> bool | None:
        """`None` when nothing was measured, for want of the program the limit needs."""
        measured = self.ratio if self.kind is Goal.RATIO else self.ours
        if measured is None:
            return None
        return measured <= self.goal if self.kind is Goal.AT_MOST else measured >= self.goal

    @property
    def fails_the_run(self) -> bool:
        """Whether `make bench` ends with an error for this."""
        return self.kind is Goal.RATIO and self.reached is False

    def line(self) -> str:
        """The figure in one line."""
        parts = [f"{self.name}: {_number(self.ours)} {self.unit}"]
        if self.limit is not None:
            parts.append(f"limit {_number(self.limit)} ({self.limit_name})")
        if self.ratio is not None:
            parts.append(f"ratio {self.ratio:.2f}")
        parts += [f"goal {self._goal()}", _verdict(self.reached)]
        return " · ".join(parts) + (f" ({self.note})" if self.note else "")

    def cells(self) -> tuple[str, ...]:
        """The figure as a row of the summary."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        limit = "" if self.limit is None else f"{_number(self.limit)}  {self.limit_name}"
        return (self.name, f"{_number(self.ours)} {self.unit}", limit, ratio, self._goal(), _verdict(self.reached))

    def as_dict(self) -> dict[str, Any]:
        """The figure for `--json`."""
        names = ("name", "unit", "ours", "limit", "limit_name", "ratio", "kind", "goal", "reached", "note")
        return {name: getattr(self, name) for name in names}

    def _goal(self) -> str:
        if self.kind is Goal.RATIO:
            return f"≥ {self.goal:.2f} of the limit"
        return f"{'≤' if self.kind is Goal.AT_MOST else '≥'} {_number(self.goal)} {self.unit}"


def median(rounds: Sequence[float]) -> float:
    """The median of the rounds of one figure."""
    return statistics.median(rounds)


def show(figures: Sequence[Figure], console: Console) -> None:
    """The summary at the end."""
    table = Table("figure", "ours", "limit", "ratio", "goal", "", title="make bench")
    for figure in figures:
        table.add_row(*figure.cells())
    console.print(table)


def to_json(figures: Sequence[Figure]) -> str:
    """All figures of a run."""
    return json.dumps({"figures": [figure.as_dict() for figure in figures]}, ensure_ascii=False, indent=2)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _verdict(reached: bool | None) -> str:  # noqa: FBT001 - three states
    return {True: "reached", False: "NOT reached", None: "not measured"}[reached]
