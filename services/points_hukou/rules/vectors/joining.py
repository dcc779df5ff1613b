"""Populations read piece by piece, as one."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from services.points_hukou.rules.vectors.population import (
    Column,
    Divisions,
    EventRows,
    Holdings,
    MonthRows,
    PeriodRows,
    Population,
    Single,
    YearRows,
)


def joined(parts: Sequence[Population]) -> Population:
    """One after the other; all of them hold the same facts."""
    starts = np.cumsum([0, *(part.size for part in parts)])
    columns = {name: _column([part.columns[name] for part in parts], starts) for name in (parts[0].columns if parts else ())}
    return Population(int(starts[-1]), columns)


def _column(parts: Sequence[Any], starts: Any) -> Column:
    first = parts[0]
    if isinstance(first, Single):
        return Single(_one([each.values for each in parts]), _one([each.known for each in parts]))
    if isinstance(first, Holdings):
        held = {name: _one([each.held[name] for each in parts]) for name in first.held}
        return Holdings(held, sum(each.size for each in parts))
    if isinstance(first, Divisions):
        return _divisions(parts)
    assert isinstance(first, MonthRows | PeriodRows | EventRows | YearRows)
    return _rows(parts, starts)


def _one(arrays: Sequence[Any]) -> Any:
    return np.concatenate(arrays)


def _divisions(parts: Sequence[Divisions]) -> Divisions:
    """Each piece numbers its own codes; −1, the last place, stays unknown."""
    codes = tuple(sorted({code for each in parts for code in each.codes}))
    place = {code: number for number, code in enumerate(codes)}
    renumbered = [np.array([*(place[code] for code in each.codes), -1])[each.values] for each in parts]
    return Divisions(_one(renumbered), codes)


def _rows(parts: Sequence[Any], starts: Any) -> Column:
    names = [each.name for each in fields(parts[0]) if each.name not in {"owners", "options"}]
    together = {name: _one([getattr(each, name) for each in parts]) for name in names}
    owners = _one([each.owners + start for each, start in zip(parts, starts, strict=False)])
    of_all: Column = replace(parts[0], owners=owners, **together)
    return of_all
