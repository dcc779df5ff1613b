"""Crash points: every one of the list is passed somewhere, only a sandbox honours them, and death comes at the named pass."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.chassis import crash_points
from services.chassis.settings import ServiceSettings

ROOT = Path(__file__).parent.parent.parent
_PASSED = re.compile(r'crash_point\("([^"]+)"\)')


def test_every_point_is_passed_in_one_place_of_the_chassis() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py")]
    assert sorted(found for source in sources for found in _PASSED.findall(source)) == sorted(crash_points.POINTS)


@pytest.mark.parametrize("setting", ["relay", *(f"relay.published:{passes}" for passes in ("", "0", "-1", "x", "1:1"))])
def test_a_point_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="not a crash point"):
        crash_points.check(setting)


def test_only_a_sandbox_dies_on_purpose(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "NATS_URL"):
        monkeypatch.setenv(f"XINSHIMIN_{name}", "x://")
    for name in ("KEY_FILE", "INSIDE_JWKS_FILE", "AUDIT_KEY_FILE", "AUDIT_COPY_DIR"):
        monkeypatch.setenv(f"XINSHIMIN_{name}", str(key_file))
    monkeypatch.setenv("XINSHIMIN_CRASH_AT", "relay.published")
    with pytest.raises(ValidationError, match="for a sandbox only"):
        ServiceSettings()
    monkeypatch.setenv("XINSHIMIN_SANDBOX", "1")
    assert ServiceSettings().crash_at == "relay.published"
    monkeypatch.setenv("XINSHIMIN_CRASH_AT", "nowhere")
    with pytest.raises(ValidationError, match="not a crash point"):
        ServiceSettings()


def test_death_comes_at_the_named_pass_of_the_named_point() -> None:
    program = """
from services.chassis.crash_points import arm, crash_point
arm("relay.marked:3")
for number in range(1, 9):
    crash_point("relay.published")
    crash_point("relay.marked")
    print(number, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["1", "2"])
