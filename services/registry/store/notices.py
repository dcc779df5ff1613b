"""Notices: write once, list."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.registry.schemas.notices import NoticeRecord

_STORED = tuple(NoticeRecord.model_fields)
COLUMNS = ", ".join(f"n.{name}" for name in _STORED)
_COUNTY_DIGITS = 6

# Who asks a second time, in whatever transaction, adds nothing: the key is unique, whoever may see the row.
_INSERT = prepare(
    f"""
    INSERT INTO notice ({", ".join(_STORED)})
    VALUES ({", ".join("CAST(:parameters AS jsonb)" if name == "parameters" else f":{name}" for name in _STORED)})
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this module
)
_PAGE = """
    (CAST(:after_created_at AS timestamptz) IS NULL
        OR (n.created_at, n.notice_id) > (:after_created_at, CAST(:after_notice_id AS uuid)))
    ORDER BY n.created_at, n.notice_id LIMIT CAST(:limit AS integer)
"""
# Wide and narrow as the list of registrations: by the order of the list, or by codes.
_LIST_WIDE = prepare(
    f"SELECT {COLUMNS} FROM notice n WHERE starts_with(n.division_code, CAST(:prefix AS text)) AND {_PAGE}"  # noqa: S608
)
_LIST = prepare(
    f"""
    SELECT {COLUMNS} FROM notice n
    WHERE n.division_code ~>=~ CAST(:division_from AS text) AND n.division_code ~<~ CAST(:division_to AS text) AND {_PAGE}
    """  # noqa: S608
)
_OF_PERSON = prepare(
    f"SELECT {COLUMNS} FROM notice n WHERE n.person_id = ANY (ids_of_human(CAST(:person_id AS uuid))) AND {_PAGE}"  # noqa: S608
)


async def insert_notice(work: Work, record: NoticeRecord) -> bool:
    """Keep a notice; whether it is new."""
    tag = await work.tx.execute(_INSERT, **record.__dict__)
    return tag.endswith(" 1")


async def notices_of(work: Work, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 notices to a person, oldest first."""
    return await work.tx.fetch(_OF_PERSON, person_id=person_id, **_page(after, limit))


async def list_notices(
    work: Work, *, division_prefix: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible notices of offices below a division, oldest first."""
    if len(division_prefix) <= _COUNTY_DIGITS:
        return await work.tx.fetch(_LIST_WIDE, prefix=division_prefix, **_page(after, limit))
    bounds = {"division_from": division_prefix, "division_to": division_prefix + ":"}  # the character after 9
    return await work.tx.fetch(_LIST, **bounds, **_page(after, limit))


def notice_of(row: Record) -> NoticeRecord:
    """The notice in a row."""
    return NoticeRecord(**dict(row.items()))


def _page(after: tuple[datetime, UUID] | None, limit: int) -> dict[str, object]:
    after_created_at, after_notice_id = after or (None, None)
    return {"after_created_at": after_created_at, "after_notice_id": after_notice_id, "limit": limit + 1}
