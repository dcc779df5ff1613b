"""`make bench`: start the suite as `make run` does, fill it with a city, measure every figure of issue 3 against its limit.

Exit code 1 when a ratio is below its goal; absolute figures are shown and fail nothing. README.md says how to read it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console

from bench import (
    delay,
    duplicates,
    flow,
    forecasting,
    imports,
    memory,
    placement,
    points,
    reading,
    registering,
    rotation,
    searching,
)
from bench.city import City, fill
from bench.figures import Figure, show, to_json
from bench.stage import Stage, running_stage

_PERSONS = 100_000
_SEARCHED = 100_000
_FOR_DELAY = 400  # the 99th percentile of fewer is one bad moment
# The rotation is over the city alone. Imports and duplicates come last: they leave rows that no key opens.
_PARTS = [
    "points",
    "placement",
    "forecasting",
    "flow",
    "delay",
    "reading",
    "registering",
    "rotation",
    "searching",
    "imports",
    "duplicates",
]
_WITHOUT_SUITE: dict[str, Callable[[], list[Figure]]] = {
    "points": points.measure,
    "placement": placement.measure,
    "forecasting": forecasting.measure,
}
_SETTLE_S = 3.0
_TABLE_WIDTH = 180  # where it is no terminal that says

console = Console(stderr=True, width=None if sys.stderr.isatty() else _TABLE_WIDTH)


def run(stage: Stage, persons: int, searched: int, only: set[str]) -> list[Figure]:
    """All figures, or those of the chosen parts."""
    time.sleep(_SETTLE_S)
    figures = [_told(memory.measure(stage, when="just started"))]
    with stage.held("registry", "points_hukou"):
        city = _city(stage, persons)
        if "flow" in only:
            figures += map(_told, flow.measure(stage))
    parts: dict[str, Callable[[], list[Figure]]] = {
        "delay": partial(delay.measure, stage, city.unregistered[:_FOR_DELAY]),
        "reading": partial(reading.measure, stage, city),
        "registering": partial(registering.measure, stage, city.unregistered[_FOR_DELAY:]),
        "rotation": partial(rotation.measure, stage),
        "searching": partial(searching.measure, stage, searched),
        "imports": partial(imports.measure, stage),
        "duplicates": partial(duplicates.measure, stage, persons),
    }
    flow.settle(stage)
    for name, measure in parts.items():
        if name in only:
            figures += map(_told, measure())
    flow.settle(stage)
    time.sleep(_SETTLE_S)
    return [*figures, _told(memory.measure(stage, when=f"idle after all that, {persons:,} persons"))]


def _city(stage: Stage, persons: int) -> City:
    started = time.monotonic()
    city = fill(stage, persons)
    console.print(f"a city of {persons:,} persons, half of them registered, in {time.monotonic() - started:.0f} s")
    return city


def _told(figure: Figure) -> Figure:
    console.print(figure.line(), highlight=False, soft_wrap=True)
    return figure


def main() -> None:
    """Run and print; the summary goes to standard error with `--json`."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object on standard output")
    parser.add_argument("--persons", type=int, default=_PERSONS, help="size of the city")
    parser.add_argument("--searched", type=int, default=_SEARCHED, help="residents to search among, beside the city")
    parser.add_argument("--only", action="append", choices=_PARTS, help="some parts only")
    given = parser.parse_args()
    only = set(given.only or _PARTS)
    figures = [_told(figure) for name, measure in _WITHOUT_SUITE.items() if name in only for figure in measure()]
    if only - _WITHOUT_SUITE.keys():
        with running_stage() as stage:
            figures += run(stage, given.persons, given.searched, only)
    show(figures, console if given.json else Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH))
    if given.json:
        sys.stdout.write(to_json(figures) + "\n")
    sys.exit(any(figure.fails_the_run for figure in figures))


if __name__ == "__main__":
    main()
