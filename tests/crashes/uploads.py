"""Of uploads: each is done once, no row tells of a file that is not there, and no file is forgotten.

An upload leaves no version and no event; what it did is told by its line of evidence.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from tests.crashes.journal import Entry

PATH = "/v1/registry/attachments"

Connection = asyncpg.Connection  # the stubs' generic is not subscriptable at run time


def is_one(entry: Entry) -> bool:
    """Whether the command sent a file."""
    return entry.path.startswith(PATH)


async def complaints(registry: Connection, folder: Path, entries: Sequence[Entry]) -> list[str]:
    """What is wrong with files and with what was said of them."""
    found = [complaint for entry, made in await _made(registry, entries) for complaint in _of_entry(entry, made)]
    addresses = {row["address"].hex() for row in await registry.fetch("SELECT address FROM attachment")}
    announced = {row["address"].hex() for row in await registry.fetch("SELECT address FROM attachment_unowned")}
    stored = {path.name: path for path in (folder / "objects").rglob("*") if path.is_file()}
    found += [f"I1 a row tells of the file {each}, which is not there" for each in addresses - stored.keys()]
    found += [f"I13 the file {each} is forgotten in the store" for each in stored.keys() - addresses - announced]
    found += [
        f"I1 the file {name} is not what was stored"
        for name, path in stored.items()
        if hashlib.sha256(path.read_bytes()).hexdigest() != name
    ]
    return found


async def _made(registry: Connection, entries: Sequence[Entry]) -> list[tuple[Entry, list[str]]]:
    """Each upload with the attachments that were made under its key."""
    rows = await registry.fetch(
        """
        SELECT l.request, l.attachment_id FROM (
            SELECT CAST(line AS jsonb) ->> 'request' AS request, CAST(line AS jsonb) ->> 'resource_id' AS attachment_id
            FROM audit_line WHERE CAST(line AS jsonb) ->> 'operation' = 'upload'
        ) l JOIN attachment a ON CAST(a.attachment_id AS text) = l.attachment_id
        """
    )
    made: dict[Any, list[str]] = defaultdict(list)
    for row in rows:
        made[row["request"]].append(row["attachment_id"])
    return [(entry, made[entry.key]) for entry in entries]


def _of_entry(entry: Entry, made: list[str]) -> list[str]:
    what = f"{entry.key} {entry.method} {entry.path}"
    done = entry.acknowledged
    if len(made) > 1:
        return [f"I2 {what} made {len(made)} attachments"]
    if done is None:
        return []
    if any(told != done for told in entry.told):
        return [f"I3 {what} was told {[told.status for told in entry.told]} with different content"]
    content = json.loads(done.body)
    if made != [content["attachment_id"]] or content["sha256"] != hashlib.sha256(entry.content.encode()).hexdigest():
        return [f"I1 {what} was acknowledged as {content['attachment_id']}, made is {made}"]
    return []
