"""The log of services as one file, for an auditor without our databases: JSON lines, one section per service.

A section begins with `["service", name, exported_at, first, last]` and ends with `["end", entries]`, so that a file cut short
is seen. Between them: `["line", position, audit_id, chain_hash, recorded_at, person_id, line, digest]`, `["head", size, signed,
subtrees]`, `["border", size, signed, subtrees]`, `["unsealed", count, examples]`; hashes in hex. A name ending in `.gz`
compresses.
"""

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self
from uuid import UUID

from services.chassis.evidence.log import Bounds
from services.chassis.evidence.verifier import Border, Entry, Head, SealedLine, Unsealed

_LINE_CHARACTERS_MAX = 4 << 20


class ExportError(Exception):
    """The file is not an export, or it is damaged; the message says where."""


@dataclass(frozen=True, slots=True)
class Section:
    """The beginning of one service's log in the file."""

    service: str
    exported_at: datetime
    bounds: Bounds


class Writer:
    """Writes an export, readable by its owner only; a context manager. The file must not exist."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        raw = os.fdopen(descriptor, "wb")
        self._raw = raw
        self._file: IO[bytes] = gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        self._entries = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not self._raw:
            self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()

    def begin(self, section: Section) -> None:
        """The next service."""
        self._entries = 0
        where = section.bounds
        self._put(["service", section.service, section.exported_at.isoformat(), where.first, where.last])

    def add(self, entry: Entry) -> None:
        """The next entry of its log."""
        self._entries += 1
        self._put(_as_list(entry))

    def end(self) -> None:
        """The service's log is complete."""
        self._put(["end", self._entries])

    def _put(self, record: list[Any]) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n")


def _as_list(entry: Entry) -> list[Any]:
    match entry:
        case SealedLine():
            at, person, digest = entry.recorded_at, entry.person_id, entry.digest
            return [
                "line",
                entry.position,
                str(entry.audit_id),
                entry.chain_hash.hex(),
                at.isoformat() if at else None,
                str(person) if person else None,
                entry.line,
                digest.hex() if digest is not None else None,
            ]
        case Head(size, signed, subtrees):
            return ["head", size, signed, subtrees.hex()]
        case Border(Head(size, signed, subtrees)):
            return ["border", size, signed, subtrees.hex()]
        case Unsealed(count, examples):
            return ["unsealed", count, [str(each) for each in examples]]


def read(path: Path) -> Iterator[Section | Entry]:
    """Sections and their entries, in order; raises `ExportError` at the first record that is none."""
    number = entries = 0
    service: str | None = None
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, raw in enumerate(_records(file), start=1):
            found = _parsed(raw, number)
            if isinstance(found, int):
                if service is None or found != entries:
                    raise ExportError(f"line {number}: {entries} entries, {found} were written")
                service = None
            elif isinstance(found, Section):
                if service is not None:
                    raise ExportError(f"line {number}: the log of {service} has no end")
                service, entries = found.service, 0
                yield found
            elif service is None:
                raise ExportError(f"line {number}: an entry of no service")
            else:
                entries += 1
                yield found
    if service is not None or number == 0:
        raise ExportError(f"the file ends after line {number}, before the end of a log")


def _records(file: Any) -> Iterator[bytes]:
    try:
        while raw := file.readline(_LINE_CHARACTERS_MAX):
            yield raw
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise ExportError(f"the file cannot be read to its end ({type(error).__name__})") from error


def _parsed(raw: bytes, number: int) -> Section | Entry | int:
    """A section, an entry, or the number at a section's end."""
    try:
        kind, *values = json.loads(raw)
        found: Section | Entry | int = _READERS[kind](*values)
        return found
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ExportError(f"line {number} is not a record of an export") from error


def _read_line(
    position: int,
    audit_id: str,
    chain_hash: str,
    at: str | None,
    person_id: str | None,
    line: str | None,
    digest: str | None,
) -> SealedLine:
    return SealedLine(
        _number(position),
        UUID(audit_id),
        bytes.fromhex(chain_hash),
        _instant(at) if at is not None else None,
        UUID(person_id) if person_id is not None else None,
        str(line) if line is not None else None,
        bytes.fromhex(digest) if digest is not None else None,
    )


def _read_head(size: int, signed: str, subtrees: str) -> Head:
    return Head(_number(size), str(signed), bytes.fromhex(subtrees))


def _read_section(service: str, exported_at: str, first: int, last: int) -> Section:
    return Section(str(service), _instant(exported_at), Bounds(_number(first), _number(last)))


def _number(value: int) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError("not a count")
    return value


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("an instant without offset")
    return value


_READERS: dict[str, Any] = {
    "service": _read_section,
    "line": _read_line,
    "head": _read_head,
    "border": lambda *values: Border(_read_head(*values)),
    "unsealed": lambda count, examples: Unsealed(_number(count), [UUID(each) for each in examples]),
    "end": _number,
}
