"""Cells of a file of evidence as values of facts: JSON, or the short form an office can type into a spreadsheet.

    bachelor_or_above; 大专(高职)          held: options by key or by name
    2022-01/2024-06; 养老:2024-07/2024-12   months; periods (half-open, `2022-01-05/` while it lasts); a kind before the colon
    2023=120000; 2024=98000                yearly
    2024-05-01*20                          events, with an amount
    是                                     flag

What is not understood is passed on as it stands, so that the rule set's own reader says why.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date

from services.points_hukou.rules.document.facts import FactDeclaration

_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_BETWEEN = re.compile("[;；\n]")
_FLAGS: Mapping[str, bool] = {
    "是": True,
    "true": True,
    "1": True,
    "有": True,
    "否": False,
    "false": False,
    "0": False,
    "无": False,
}


def value_in(cell: str, declaration: FactDeclaration) -> object:
    """What a cell says of a fact, for `read_value`."""
    text = cell.strip()
    if text[:1] in {"[", "{", '"'}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return _READ[declaration.kind](text, declaration)


def day_in(cell: str) -> str:
    """A day as offices write it – 2024-5-1, 2024/05/01, 2024年5月1日, 20240501 – in ISO form; anything else as it stands."""
    matched = _DAY.fullmatch(cell.strip())
    if matched is None:
        return cell.strip()
    year, month, day_, month_8, day_8 = matched.groups()
    try:
        return date(int(year), int(month or month_8), int(day_ or day_8)).isoformat()
    except ValueError:
        return cell.strip()


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in _BETWEEN.split(text) if piece.strip()]


def _key(text: str, declaration: FactDeclaration) -> str:
    named = {option.name_zh: option.key for option in declaration.options}
    return named.get(text, text)


def _held(text: str, declaration: FactDeclaration) -> object:
    return [_key(piece, declaration) for piece in _pieces(text)]


def _row(piece: str, declaration: FactDeclaration) -> tuple[dict[str, object], str]:
    """The kind, where there is one, and the rest."""
    before, colon, rest = piece.replace("：", ":").partition(":")
    return ({"kind": _key(before.strip(), declaration)}, rest.strip()) if colon else ({}, before)


def _months(text: str, declaration: FactDeclaration) -> object:
    rows = []
    for piece in _pieces(text):
        kind, months = _row(piece, declaration)
        first, _, last = (each.strip() for each in months.partition("/"))
        rows.append({"from": first, "to": last or first, **kind})
    return rows


def _periods(text: str, declaration: FactDeclaration) -> object:
    rows: list[dict[str, object]] = []
    for piece in _pieces(text):
        kind, period = _row(piece, declaration)
        start, _, until = period.partition("/")
        rows.append({"from": day_in(start), **({"until": day_in(until)} if until.strip() else {}), **kind})
    return rows


def _events(text: str, declaration: FactDeclaration) -> object:
    rows: list[dict[str, object]] = []
    for piece in _pieces(text):
        kind, event = _row(piece, declaration)
        on, star, amount = event.partition("*")
        rows.append({"on": day_in(on), **({"amount": _whole(amount)} if star else {}), **kind})
    return rows


def _yearly(text: str, _: FactDeclaration) -> object:
    pairs = (piece.partition("=") for piece in _pieces(text))
    return {year.strip(): _whole(amount) for year, _equals, amount in pairs}


def _whole(text: str) -> object:
    return int(text) if _WHOLE.fullmatch(text.strip()) else text.strip()


_READ: Mapping[str, Callable[[str, FactDeclaration], object]] = {
    "day": lambda text, _: day_in(text),
    "flag": lambda text, _: _FLAGS.get(text.lower(), text),
    "number": lambda text, _: _whole(text),
    "held": _held,
    "division": lambda text, _: text,
    "months": _months,
    "periods": _periods,
    "events": _events,
    "yearly": _yearly,
}
