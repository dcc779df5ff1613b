"""The copy of everything held about a person, with who has used it (V-17): made when it is handed over, and kept nowhere.

A stored copy would be one more place to protect and to delete; what is kept is the digest of what was handed over.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.work import Work
from services.registry.schemas.rights import HeldView, PersonCopyView, ReadingView, RememberedView
from services.registry.store.person_copy import held_about, remembered_about


async def copy_of(work: Work, rights_request_id: UUID, person_id: UUID) -> PersonCopyView:
    """Everything of every table that names the person, whichever division it lies in, as it is and as it was."""
    held, lines = await held_about(work, person_id)
    remembered = [
        RememberedView(
            source=row["resource"],
            id=row["resource_id"],
            version=row["version"],
            recorded_at=row["recorded_at"],
            changed=list(row["changed"]),
            state=state,
        )
        for row, state in await remembered_about(work, person_id)
    ]
    readings = [_reading(line) for line in lines]
    text = _text(work.today, held, remembered, readings)
    return PersonCopyView(
        rights_request_id=rights_request_id,
        person_id=person_id,
        made_on=work.today,
        held=[HeldView(source=source, rows=rows) for source, rows in held.items()],
        remembered=remembered,
        readings=readings,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _reading(line: Mapping[str, Any]) -> ReadingView:
    """A line of evidence, without the officer and the request's id."""
    return ReadingView(**{name: line.get(name) for name in ReadingView.model_fields})


def _text(
    on: date,
    held: Mapping[str, Sequence[Mapping[str, Any]]],
    remembered: Sequence[RememberedView],
    readings: Sequence[ReadingView],
) -> str:
    """The copy as lines to be read: a heading per table, a block per row, then as it was, then who used the data."""
    lines = [f"个人信息副本 Copy of personal information · {on.isoformat()}"]
    for source, rows in held.items():
        lines += ["", f"== {source} =="]
        for row in rows:
            lines += ["", *_block(row)]
    lines += ["", "== 变更历史 as it was =="]
    for version in remembered:
        lines += ["", f"{version.source} {version.id} · {version.version} · {version.recorded_at.isoformat()}"]
        lines += ["(已删除 erased)"] if version.state is None else _block(version.state)
    lines += ["", "== 使用记录 used by =="]
    lines += [
        f"{reading.at} {reading.organisation} ({reading.division}) {reading.purpose or ''} {reading.operation} "
        f"{reading.resource}: {', '.join(reading.fields)}"
        for reading in readings
    ]
    return "\n".join(lines) + "\n"


def _block(row: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_value(value)}" for name, value in row.items() if value not in (None, [], {})]


def _value(value: object) -> str:
    return ", ".join(map(_value, value)) if isinstance(value, list) else str(value)
