"""Rows that were not taken, as lines of a CSV that can be corrected and sent in again: what was wrong, then the row. Rows that
were taken with a note – something to be told that stopped nothing – as lines of another.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from services.chassis.errors import FieldError
from services.chassis.long_work.tables.columns import NOTES
from services.chassis.long_work.tables.layout import Layout

_BYTE_ORDER_MARK = "\ufeff"  # spreadsheets take a CSV without it for the code page of their machine
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BETWEEN = "；"


def head(layout_headers: Sequence[str] = ()) -> bytes:
    """The first line of the file of refused rows."""
    return (_BYTE_ORDER_MARK + _line([*(column.zh[0] for column in NOTES), *layout_headers])).encode()


def notes_head(layout_headers: Sequence[str] = ()) -> bytes:
    """The first line of the file of notes."""
    return (_BYTE_ORDER_MARK + _line([*(column.zh[-1] for column in NOTES), *layout_headers])).encode()


def kept_headers(layout: Layout) -> list[str]:
    """The file's own headers."""
    return [layout.headers[place] for place in layout.kept]


def line(number: int, cells: Sequence[str], errors: Iterable[FieldError], layout: Layout) -> bytes:
    """One row, numbered as a spreadsheet shows it, with every reason."""
    found = list(errors)
    notes = [
        str(number),
        _BETWEEN.join(dict.fromkeys(layout.columns_of.get(error.pointer, "") for error in found)).strip(_BETWEEN),
        _BETWEEN.join(error.code for error in found),
        _BETWEEN.join(error.message_zh for error in found),
        "; ".join(error.message_en for error in found),
    ]
    row = [cells[place] if place < len(cells) else "" for place in layout.kept]
    return _line([*notes, *row]).encode()


def _line(values: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(map(_harmless, values))
    return written.getvalue()


def _harmless(value: str) -> str:
    """A cell that a spreadsheet would take for a formula is shown as text: the file is made from what somebody else wrote."""
    return f"'{value}" if value.startswith(_FORMULA) and not value.lstrip("+-").replace(".", "", 1).isdigit() else value
