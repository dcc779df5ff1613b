"""An export tells the same as the database, byte for byte, and a damaged one is no evidence."""

import gzip
import json
from pathlib import Path

import pytest

from services.chassis.clock import utc_now
from services.chassis.evidence import export
from services.chassis.evidence import log as stored
from services.chassis.evidence.verifier import Entry
from tests.chassis.evidence.stage import SERVICE, Log


async def exported(log: Log, path: Path) -> list[Entry]:
    """Write the log into a file; returns what the database says."""
    found = []
    within = await stored.bounds(log.pool)
    with export.Writer(path) as writer:
        writer.begin(export.Section(SERVICE, utc_now(), within))
        async for entry in stored.entries(log.pool, within, late_s=60):
            found.append(entry)
            writer.add(entry)
        writer.end()
    return found


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
async def test_what_was_written_is_read(log: Log, tmp_path: Path, name: str) -> None:
    await log.write(5)
    await log.seal()
    await log.write(2)
    await log.owner.execute("UPDATE audit_line SET recorded_at = recorded_at - interval '1 hour'")
    path = tmp_path / name
    found = await exported(log, path)
    section, *entries = export.read(path)
    assert isinstance(section, export.Section)
    assert (section.service, section.bounds.lines) == (SERVICE, 5)
    assert entries == found
    assert len(entries) == 7  # five lines, a checkpoint, and word of what has no seal
    assert path.stat().st_mode & 0o777 == 0o600


async def test_an_export_is_never_written_over(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        export.Writer(path)


def refused(path: Path) -> bool:
    """Whether the file is no export."""
    try:
        for _ in export.read(path):
            continue
    except export.ExportError:
        return True
    return False


async def test_a_damaged_file_is_refused(log: Log, tmp_path: Path) -> None:
    await log.write(5)
    await log.seal()
    path = tmp_path / "log"
    await exported(log, path)
    lines = path.read_text().splitlines(keepends=True)
    damages = {
        "cut": "".join(lines[:-1]),
        "cut in a line": path.read_text()[:-3],
        "empty": "",
        "a line less": "".join(lines[:2] + lines[3:]),
        "no section": "".join(lines[1:]),
        "two beginnings": "".join(lines[:1] * 2 + lines[1:]),
        "no json": "".join([lines[0], "{\n", *lines[1:]]),
        "unknown record": "".join([lines[0], '["other",1]\n', *lines[1:]]),
        "a member less": "".join([lines[0], json.dumps(json.loads(lines[1])[:-1]) + "\n", *lines[2:]]),
        "not hex": "".join([lines[0], lines[1].replace(json.loads(lines[1])[3], "zz"), *lines[2:]]),
        "bool for a number": "".join([lines[0], '["head",true,"",""]\n', *lines[1:]]),
    }
    for name, content in damages.items():
        path.write_text(content)
        assert refused(path), name
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress("".join(lines).encode())[:-20])
    assert refused(packed)
