"""`xinshimin audit` beside a running suite: sound, exported, verified without a database, and red after an alteration."""

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.chassis.rows import SERVICE_SESSION
from services.suite.catalogue import PROCESSES
from services.suite.cli_audit import _epochs
from services.suite.exits import ExitCode, SuiteError
from tests.suite.launching import RunningUp, clean_environment, xinshimin


@pytest.fixture(scope="module")
def sealed(running: RunningUp) -> RunningUp:
    """A suite with audit lines that are sealed and copied."""
    running.paste(0, 1, 2)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        (registry,) = running.command("audit", "verify", "registry")["services"]
        if registry["lines"] > 0 and all(registry["copies"].values()):
            return running
        time.sleep(0.5)
    raise AssertionError(registry)


def test_the_logs_of_all_services_are_sound(sealed: RunningUp) -> None:
    answer = sealed.command("audit", "verify")
    assert answer["ok"], answer
    assert [each["service"] for each in answer["services"]] == ["registry", "points_hukou", "health", "education", "gateway"]
    assert all(each["lines"] > 0 for each in answer["services"] if each["service"] in {"registry", "gateway"})
    registry = answer["services"][0]
    assert registry["lines"] == registry["size"] > 0
    assert registry["copies"]["folder"] == registry["copies"]["stream"] > 0


def test_an_export_is_verified_without_any_database(sealed: RunningUp, tmp_path: Path) -> None:
    file, copies = tmp_path / "audit.jsonl.gz", tmp_path / "copies"
    shutil.copytree(sealed.data_dir / "audit", copies)  # before the export, which is evidence itself and soon sealed
    sealed.command("audit", "export", str(file))
    nowhere = clean_environment(tmp_path / "empty")
    keys = str(sealed.data_dir / "keys" / "audit")
    done = xinshimin("audit", "verify", str(file), "--keys", keys, "--copies", str(copies), "--json", environment=nowhere)
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert [each["ok"] for each in answer["services"]] == [True] * len(PROCESSES)
    assert answer["services"][0]["lines"] > 0
    refused = xinshimin("audit", "verify", str(file), environment=nowhere)
    assert refused.returncode == ExitCode.WRONG_SETTINGS
    assert "--keys" in refused.stderr


def test_who_looks_through_the_evidence_leaves_evidence(sealed: RunningUp, tmp_path: Path) -> None:
    count = "SELECT count(*) FROM audit_line WHERE CAST(line AS jsonb) @> $1"
    looked = {each: json.dumps({"resource": "audit_log", "operation": each}) for each in ("verify", "export")}
    before = {each: _execute(sealed, count, content) for each, content in looked.items()}
    sealed.command("audit", "verify", "registry")
    sealed.command("audit", "export", str(tmp_path / "audit.jsonl"), "registry")
    assert {each: _execute(sealed, count, content) - before[each] for each, content in looked.items()} == {
        "verify": 1,
        "export": 1,
    }
    newest = "SELECT CAST(line AS jsonb) FROM audit_line WHERE CAST(line AS jsonb) @> $1 ORDER BY recorded_at DESC LIMIT 1"
    line = json.loads(_execute(sealed, newest, looked["export"]))
    assert line["actor"]
    assert line["outcome"].startswith("lines 1 to ")


def test_an_alteration_turns_it_red(sealed: RunningUp, tmp_path: Path) -> None:
    text = _execute(sealed, "SELECT line FROM audit_line JOIN audit_seal USING (audit_id) WHERE position = 1")
    change = "UPDATE audit_line SET line = $1 WHERE audit_id = (SELECT audit_id FROM audit_seal WHERE position = 1)"
    file = tmp_path / "audit.jsonl"
    try:
        _execute(sealed, change, text.replace("demo", "nobody"))
        done = xinshimin("audit", "verify", "--json", environment=sealed.environment)
        sealed.command("audit", "export", str(file), "registry")
    finally:
        _execute(sealed, change, text)
    assert done.returncode == ExitCode.EVIDENCE_BROKEN
    (finding,) = json.loads(done.stdout)["services"][0]["findings"]
    assert (finding["kind"], finding["position"]) == ("line-altered", 1)
    offline = xinshimin("audit", "verify", str(file), "--keys", str(sealed.data_dir / "keys" / "audit"), environment={})
    assert offline.returncode == ExitCode.EVIDENCE_BROKEN
    assert "line-altered at 1" in offline.stdout


def _execute(running: RunningUp, statement: str, *arguments: str) -> Any:
    """As the role that owns the registry's database."""
    url = json.loads((running.data_dir / "suite.json").read_text())["variables"]["XINSHIMIN_REGISTRY__MIGRATION_URL"]

    async def work() -> Any:
        connection = await asyncpg.connect(url, server_settings=SERVICE_SESSION)
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    return asyncio.run(work())


def test_what_is_neither_service_nor_file_is_refused(sealed: RunningUp) -> None:
    done = xinshimin("audit", "verify", "nowhere", environment=sealed.environment)
    assert done.returncode == ExitCode.WRONG_SETTINGS


@pytest.mark.parametrize("given", ["registry", "registry:x", ":", "registry:-1"])
def test_a_restore_is_named_by_service_and_epoch(given: str) -> None:
    assert _epochs(["registry:2", "points_hukou:3"]) == {"registry": 2, "points_hukou": 3}
    with pytest.raises(SuiteError, match="SERVICE:EPOCH"):
        _epochs([given])
