"""Everything held about a person, table by table, opened, with what was remembered (V-17); and who was shown it (V-18)."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.history import SEALED_VERSIONS, opened
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.registry.store.visibility import seen_since
from services.registry.tables import SEALED

_COPY = prepare("SELECT source, content FROM copy_of_person(CAST(:person_id AS uuid)) AS c (source, content)")
_REMEMBERED = prepare(
    SEALED_VERSIONS.format(source="remembered_of_person(CAST(:person_id AS uuid))")
    + " ORDER BY h.resource, h.resource_id, h.version"
)
_RECIPIENTS = prepare(
    """
    SELECT r.organisation, r.client, r.division, r.first_at, r.last_at, r.fields
    FROM recipients_of_request(CAST(:rights_request_id AS uuid)) r
    """
)
_TOLD = prepare(
    """
    SELECT division_code
    FROM divisions_told_of_request(CAST(:rights_request_id AS uuid), CAST(:seen_since AS date)) AS t (division_code)
    """
)
_SEALED = {column.table: column for column in SEALED if column.column == "sealed"}
_EVIDENCE = "audit_line"
_BYTES = "\\x"


async def held_about(work: Work, person_id: UUID) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """By table the rows about the person, and the lines of evidence: sealed values opened, digests and keys left out."""
    held: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    lines: list[dict[str, Any]] = []
    for row in await work.tx.fetch(_COPY, person_id=person_id):
        if row["source"] == _EVIDENCE:
            lines.append(json.loads(row["content"]["line"]))
        else:
            held[row["source"]].append(_opened(work.keyring, row["source"], row["content"]))
    return dict(held), sorted(lines, key=lambda line: str(line["at"]))


async def remembered_about(work: Work, person_id: UUID) -> list[tuple[Record, dict[str, Any] | None]]:
    """Every remembered version about the person with its state; without one where somebody else it names was deleted."""
    rows = await work.tx.fetch(_REMEMBERED, person_id=person_id)
    states = (opened(work.keyring, row) for row in rows)
    return [(row, None if state is None else json.loads(state)) for row, state in zip(rows, states, strict=True)]


async def recipients(work: Work, rights_request_id: UUID) -> Sequence[Record]:
    """Each client that was shown something of the person the request is about, as long as the evidence is kept."""
    return await work.tx.fetch(_RECIPIENTS, rights_request_id=rights_request_id)


async def divisions_told(work: Work, rights_request_id: UUID) -> list[str]:
    """The divisions whose clients are told by events of what is corrected or deleted."""
    rows = await work.tx.fetch(_TOLD, rights_request_id=rights_request_id, seen_since=seen_since(work))
    return [row["division_code"] for row in rows]


def _opened(keyring: Keyring, table: str, content: dict[str, Any]) -> dict[str, Any]:
    readable = {name: value for name, value in content.items() if not (isinstance(value, str) and value.startswith(_BYTES))}
    column = _SEALED.get(table)
    if column is not None and isinstance(content.get("sealed"), str):
        sealed = bytes.fromhex(content["sealed"].removeprefix(_BYTES))
        readable |= json.loads(keyring.open(sealed, column.context_of(content)))
    return readable
