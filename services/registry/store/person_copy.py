"""Everything held about a person, table by table, opened (V-17)."""

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.registry.tables import SEALED

_COPY = prepare("SELECT source, content FROM copy_of_person(CAST(:person_id AS uuid)) AS c (source, content)")
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


def _opened(keyring: Keyring, table: str, content: dict[str, Any]) -> dict[str, Any]:
    readable = {name: value for name, value in content.items() if not (isinstance(value, str) and value.startswith(_BYTES))}
    column = _SEALED.get(table)
    if column is not None and isinstance(content.get("sealed"), str):
        sealed = bytes.fromhex(content["sealed"].removeprefix(_BYTES))
        readable |= json.loads(keyring.open(sealed, column.context_of(content)))
    return readable
