"""Start, stop, kill: everything together, nothing left behind, the data kept."""

import json
import os
import re
import resource
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from services.suite.exits import ExitCode
from tests.servers import Servers
from tests.suite.launching import (
    READY_WITHIN_S,
    ROOT,
    STOPPED_WITHIN_S,
    RunningUp,
    begin_up,
    clean_environment,
    is_alive,
    up,
    xinshimin,
)

# A second start is ready within 15 s on two cores of its own. Tests share theirs with whatever else runs, so what is bounded
# here is the processor time of start and stop together, most of it spent on both cores side by side.
SECOND_START_CPU_S_MAX = 15


def test_a_stopped_suite_starts_again_soon_with_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with up(folder) as first:
        answer = json.loads(first.paste(0, 1)[-1])
        stopped = first.stop(signal.SIGTERM)
        assert stopped.returncode == ExitCode.DONE, stopped.stderr
        assert first.left_over() == []
    assert not (folder / "suite.json").exists()
    spent_before_s = _cpu_of_ended_children_s()
    with up(folder) as second:
        assert second.screen["client_id"] == first.screen["client_id"]
        read_back = second.paste(0, 2, before=f"PERSON={answer['person_id']}")[-1]
        assert json.loads(read_back) == answer
        assert second.stop(signal.SIGINT).returncode == ExitCode.DONE
        assert second.left_over() == []
    assert _cpu_of_ended_children_s() - spent_before_s <= SECOND_START_CPU_S_MAX


def _cpu_of_ended_children_s() -> float:
    """Processor seconds of all children that ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_a_killed_suite_leaves_no_orphan_and_starts_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with up(folder) as killed:
        assert killed.stop(signal.SIGKILL).returncode == -signal.SIGKILL
        assert killed.left_over() == []
    with up(folder) as again:
        assert again.readiness().status_code == 200
        assert set(again.pids) == {"postgres", "nats", "registry", "points_hukou", "health", "education", "gateway"}
        os.kill(again.pids["registry"], signal.SIGKILL)
        ended = again.end()
        assert ended.returncode == ExitCode.CHILD_DIED
        assert json.loads(ended.stderr.splitlines()[-1])["message"].startswith("registry (process ")
        assert again.left_over() == []


def test_a_killed_make_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    make = subprocess.Popen(
        ["make", "--old-file=environment", "run"], cwd=ROOT, env=clean_environment(folder), stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not (folder / "suite.json").exists():
            assert make.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        suite = json.loads((folder / "suite.json").read_text())
        os.kill(make.pid, signal.SIGKILL)
        make.wait()
        deadline = time.monotonic() + STOPPED_WITHIN_S
        pids = [suite["pid"], *suite["pids"].values()]
        while any(map(is_alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [pid for pid in pids if is_alive(pid)] == []
        assert not (folder / "suite.json").exists(), "it was an orderly stop"
    finally:
        make.kill()
        for pid in _pids_that_mention(tmp_path):
            os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("after_s", [0.8, 2.0])
def test_a_stop_while_starting_leaves_nothing(tmp_path: Path, after_s: float) -> None:
    process = begin_up(clean_environment(tmp_path / "data"))
    time.sleep(after_s)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=STOPPED_WITHIN_S)
    # Before the program has installed its handlers, SIGTERM simply ends it.
    assert process.returncode in (ExitCode.DONE, -signal.SIGTERM), err
    assert [pid for pid in _pids_that_mention(tmp_path) if is_alive(pid)] == []


def _pids_that_mention(folder: Path) -> list[int]:
    """Processes with the folder in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in about:
            found.append(int(entry.name))
    return found


def test_a_second_suite_runs_beside_it_on_servers_of_the_environment(
    running: RunningUp, servers: Servers, tmp_path: Path
) -> None:
    variables = {"XINSHIMIN_SANDBOX": "0"}
    for name in ("registry", "points_hukou", "health", "education", "gateway"):
        servers.create_database(f"beside_{name}", process=name)
        variables[f"XINSHIMIN_{name.upper()}__DATABASE_URL"] = servers.postgres_url(f"beside_{name}", f"{name}_app")
        variables[f"XINSHIMIN_{name.upper()}__MIGRATION_URL"] = servers.postgres_url(f"beside_{name}", f"{name}_owner")
        variables[f"XINSHIMIN_{name.upper()}__NATS_URL"] = servers.nats_url_of(name)
    with up(tmp_path / "data", **variables) as other:
        assert set(other.pids) == {"registry", "points_hukou", "health", "education", "gateway"}, "no server of its own"
        assert other.screen["base_url"] != running.screen["base_url"]
        assert other.readiness().status_code == running.readiness().status_code == 200
        assert other.screen["client_id"] is None, "a demo client exists in a sandbox only"
        assert other.stop(signal.SIGTERM).returncode == ExitCode.DONE


def test_the_printed_calls_work_and_may_be_pasted_twice(running: RunningUp) -> None:
    once = running.paste(0, 1, 2)
    registered, read = json.loads(once[-2]), json.loads(once[-1])
    assert registered["person_id"] == read["person_id"]
    assert running.paste(0, 1)[-1] == once[-2], "the same Idempotency-Key gives the same answer"


def test_the_demo_client_is_written_for_its_owner_only(running: RunningUp) -> None:
    file = running.data_dir / "demo-client.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = json.loads(file.read_text())
    assert content == {name: running.screen[name] for name in ("base_url", "client_id", "client_secret")}


def test_secrets_and_keys_are_readable_by_their_owner_only(running: RunningUp) -> None:
    secret = [running.data_dir / name for name in ("secrets.json", "suite.json", "keys", "log", "postgres", "nats")]
    secret += list((running.data_dir / "keys").iterdir())
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []


def test_postgres_listens_on_no_port_and_asks_for_a_password(running: RunningUp) -> None:
    url = json.loads((running.data_dir / "suite.json").read_text())["variables"]["XINSHIMIN_REGISTRY__DATABASE_URL"]
    assert re.fullmatch(r"postgresql://registry_app:[^@]+@/registry\?host=[^&]+&port=5432", url)
    assert (running.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[5].strip() == "", "listens on TCP"
    rules = (running.data_dir / "postgres" / "pg_hba.conf").read_text().splitlines()
    methods = {line.split()[-1] for line in rules if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


def test_a_second_suite_on_the_same_folder_is_refused_naming_the_first(running: RunningUp) -> None:
    done = xinshimin("up", environment=running.environment)
    assert done.returncode == ExitCode.IN_USE
    assert f"process {running.process.pid}" in done.stderr
    assert running.readiness().status_code == 200
