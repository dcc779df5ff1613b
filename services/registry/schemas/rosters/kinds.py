"""What rosters may be about, and the columns of each."""

from collections.abc import Mapping
from enum import StrEnum

from services.registry.schemas.rosters.column import Column, header_key
from services.registry.schemas.rosters.employments import EMPLOYMENTS
from services.registry.schemas.rosters.field_visits import FIELD_VISITS
from services.registry.schemas.rosters.residents import RESIDENTS
from services.registry.schemas.rosters.stays import STAYS


class RosterKind(StrEnum):
    """What a roster is about."""

    RESIDENTS = "residents"
    """persons with where they live"""
    EMPLOYMENTS = "employments"
    """who was taken on by an employer, who left"""
    STAYS = "stays"
    """who checked in to a room of a registered home, who checked out"""
    FIELD_VISITS = "field_visits"
    """what a coordinator found; the coordinator is the officer who acts"""


COLUMNS: Mapping[RosterKind, tuple[Column, ...]] = {
    RosterKind.RESIDENTS: RESIDENTS,
    RosterKind.EMPLOYMENTS: EMPLOYMENTS,
    RosterKind.STAYS: STAYS,
    RosterKind.FIELD_VISITS: FIELD_VISITS,
}

NOTES = (
    Column("row", ("原行号",), ("row",), "", ()),
    Column("column", ("错误列",), ("column",), "", ()),
    Column("code", ("错误代码",), ("code",), "", ()),
    Column("reason_zh", ("错误原因",), ("reason_zh",), "", ()),
    Column("reason_en", ("错误原因英文",), ("reason_en",), "", ()),
)
"""What the file of refused rows has in front of each row. When it is sent in again they are passed over."""


def known_headers(kind: RosterKind) -> dict[str, Column]:
    """Every name of every column, by its key; those of the notes too."""
    return {header_key(name): column for column in (*COLUMNS[kind], *NOTES) for name in (*column.zh, *column.en)}


def template(kind: RosterKind) -> str:
    """A file to begin with: Chinese headers and one example, as CSV."""
    columns = COLUMNS[kind]
    heads = [f"{column.zh[0]}{'（必填）' if column.needed_by else ''}" for column in columns]
    return "\r\n".join((",".join(heads), ",".join(column.example for column in columns), ""))
