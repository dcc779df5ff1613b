"""One column of a table: what it is called in Chinese and English, and which field of the single door it is.

Headers are compared without case, spaces and the marks offices put around them (`*姓名`, `证件号码（必填）`).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_BRACKETED = re.compile(r"[(\[（【].*?[)\]）】]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `pointers`: where the single door's problems point when they mean this column; `needed_by`: the rule for
    whose sake no roster can do without it.
    """

    field: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    example: str
    pointers: tuple[str, ...]
    needed_by: str = ""


def header_key(text: str) -> str:
    """For comparing headers only."""
    plain = _BRACKETED.sub("", unicodedata.normalize("NFKC", text)).lower()
    return "".join(char for char in plain if char.isalnum())


NOTES = (
    Column("row", ("原行号",), ("row",), "", ()),
    Column("column", ("错误列", "提示列"), ("column",), "", ()),
    Column("code", ("错误代码", "提示代码"), ("code",), "", ()),
    Column("reason_zh", ("错误原因", "提示内容"), ("reason_zh",), "", ()),
    Column("reason_en", ("错误原因英文", "提示内容英文"), ("reason_en",), "", ()),
)
"""What the file of refused rows has in front of each row, and by its second name the file of rows that were taken with a note.
When either is sent in again they are passed over.
"""


def known_headers(columns: Sequence[Column]) -> dict[str, Column]:
    """Every name of every column, by its key; those of the notes too."""
    return {header_key(name): column for column in (*columns, *NOTES) for name in (*column.zh, *column.en)}


def template(columns: Sequence[Column]) -> str:
    """A file to begin with: Chinese headers and one example, as CSV."""
    heads = [f"{column.zh[0]}{'（必填）' if column.needed_by else ''}" for column in columns]
    return "\r\n".join((",".join(heads), ",".join(column.example for column in columns), ""))
