"""The client's journal: what it is about to ask, written and fsynced before it asks; then what it was told."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """A definite answer."""

    status: int
    body: bytes
    etag: str | None
    location: str | None

    @property
    def is_success(self) -> bool:
        """Done, and promised to stay done."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Entry:
    """One command under its key, with everything the client knows about it."""

    key: str
    trace: str
    method: str
    path: str
    content: Any
    if_match: int | None = None
    told: list[Told] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> Told | None:
        """The first 2xx."""
        return next((told for told in self.told if told.is_success), None)


class Journal:
    """Append-only file; the entries in memory are what the file says."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self.entries: dict[str, Entry] = {}

    def asking(self, entry: Entry) -> None:
        """To be called before the first attempt."""
        self.entries[entry.key] = entry
        content: dict[str, Any] = {"key": entry.key, "trace": entry.trace, "method": entry.method, "path": entry.path}
        content |= {"content": entry.content, "if_match": entry.if_match}
        self._write({"asking": content})

    def told(self, entry: Entry, told: Told) -> None:
        """A definite answer came."""
        entry.told.append(told)
        body = base64.b64encode(told.body).decode()
        self._write({"told": {"key": entry.key, "status": told.status, "etag": told.etag, "at": told.location, "body": body}})

    def unknown(self, entry: Entry, why: str) -> None:
        """An attempt ended without a definite answer."""
        entry.unknown.append(why)
        self._write({"unknown": {"key": entry.key, "why": why}})

    def close(self) -> None:
        """Nothing more will be asked."""
        self._file.close()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
