"""The program that makes the environment, on machines that lack something."""

import ast
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from services.suite import bootstrap
from services.suite.exits import ExitCode
from tests.suite.launching import ROOT


def test_an_old_python_is_told_so_with_its_own_code() -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"Python >= 3\.11 is needed; .* is 3\.9\.2") as refused:
        bootstrap.check_python((3, 9, 2))
    assert refused.value.code == ExitCode.PYTHON_TOO_OLD
    bootstrap.check_python((3, 11, 0))


def test_an_old_python_can_read_the_program() -> None:
    ast.parse((ROOT / "services/suite/bootstrap.py").read_text(), feature_version=(3, 6))


def test_a_python_without_ensurepip_is_told_which_package_to_install(tmp_path: Path) -> None:
    """As on Debian without python3-venv: the module is nowhere to be found."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'ensurepip' else find(name, package)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}  # noqa: TID251
    done = subprocess.run(
        [sys.executable, "-m", "services.suite.bootstrap"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == ExitCode.VENV_MISSING
    assert "apt install python3-venv" in done.stderr


def test_exit_codes_agree_with_those_of_the_suite() -> None:
    for name in ("PYTHON_TOO_OLD", "VENV_MISSING", "INSTALL_FAILED", "DISK_FULL"):
        assert getattr(bootstrap, name) == ExitCode[name]


def test_the_development_lock_holds_every_package_of_the_runtime_lock() -> None:
    runtime, development = (_pins(ROOT / name) for name in (bootstrap.RUNTIME_LOCK, bootstrap.DEV_LOCK))
    assert runtime - development == set()


def test_no_lock_names_a_host() -> None:
    for name in (bootstrap.RUNTIME_LOCK, bootstrap.DEV_LOCK):
        assert "://" not in (ROOT / name).read_text()


def _pins(lock: Path) -> set[str]:
    return {line.split(" ")[0] for line in lock.read_text().splitlines() if line[:1].isalnum()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the bootstrap reads, and no environment."""
    for name in (bootstrap.RUNTIME_LOCK, bootstrap.DEV_LOCK, bootstrap.PROJECT):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_an_interrupted_environment_is_made_anew(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "half.py").touch()
    (venv / "xinshimin.unfinished").touch()
    bootstrap.Environment(checkout, dev=False)._ensure_venv()
    assert not (venv / "half.py").exists()
    assert subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], timeout=30, check=True).returncode == 0


def test_a_failed_installation_is_no_environment(checkout: Path) -> None:
    (checkout / ".venv").symlink_to(sys.prefix)
    environment = bootstrap.Environment(checkout, dev=False)
    with pytest.raises(bootstrap.BootstrapError, match="pip could not install") as failed:
        environment._pip(["--no-index", "xinshimin-no-such-package"], "packages", 1)
    assert failed.value.code == ExitCode.INSTALL_FAILED


def test_a_full_disk_has_its_own_code() -> None:
    assert bootstrap._code_for("OSError: [Errno 28] No space left on device", bootstrap.INSTALL_FAILED) == ExitCode.DISK_FULL


def test_two_calls_in_one_checkout_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with bootstrap._exclusive(tmp_path):
            order.append("second")

    with bootstrap._exclusive(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
