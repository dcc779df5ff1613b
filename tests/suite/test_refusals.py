"""A start that cannot be: its own exit code, a message that says what to do, nothing touched."""

import json
import socket
from pathlib import Path

import pytest

from services.suite.catalogue import PROCESSES
from services.suite.exits import ExitCode
from tests.suite.launching import clean_environment, xinshimin


def refused(folder: Path, code: ExitCode, **variables: str) -> str:
    """Start a suite that must be refused; returns the message."""
    done = xinshimin("up", "--json", environment=clean_environment(folder, **variables))
    assert done.returncode == code, done.stderr
    error = json.loads(done.stderr.splitlines()[-1])
    assert error["exit_code"] == code
    return str(error["message"])


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refused(tmp_path / "data", ExitCode.PORT_TAKEN, XINSHIMIN_PORT=port)
    assert port in message
    assert "XINSHIMIN_PORT=" in message
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_full_disk(tmp_path: Path) -> None:
    message = refused(tmp_path / "data", ExitCode.DISK_FULL, XINSHIMIN_FREE_DISK_MIN_MB=str(1 << 30))
    assert "MB free" in message


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"holiday")
    assert "photo.jpg" in refused(tmp_path, ExitCode.HALF_INITIALISED)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_half_initialised_database(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("1\n")
    (tmp_path / "secrets.json").write_text('{"postgres": "secret"}')
    (tmp_path / "postgres" / "base").mkdir(parents=True)
    assert "PG_VERSION" in refused(tmp_path, ExitCode.HALF_INITIALISED)
    assert (tmp_path / "postgres" / "base").exists()


def test_a_database_without_its_passwords(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("1\n")
    (tmp_path / "postgres").mkdir()
    assert "secrets.json is missing" in refused(tmp_path, ExitCode.HALF_INITIALISED)


def test_a_database_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("1\n")
    (tmp_path / "secrets.json").write_text('{"postgres": "secret"}')
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    assert "PostgreSQL 16" in refused(tmp_path, ExitCode.HALF_INITIALISED)


def test_a_folder_of_a_later_version(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("2\n")
    assert "format '2'" in refused(tmp_path, ExitCode.HALF_INITIALISED)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"XINSHIMIN_PORT": "eighty"}, "XINSHIMIN_PORT"),
        ({"XINSHIMIN_DATABASE_URL": "postgresql://secret-word@db/all"}, "XINSHIMIN_DATABASE_URL"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    message = refused(tmp_path / "data", ExitCode.WRONG_SETTINGS, **variables)
    assert named in message
    assert "secret-word" not in message


def test_binaries_that_are_not_there(tmp_path: Path) -> None:
    message = refused(tmp_path / "data", ExitCode.BINARY_MISSING, XINSHIMIN_POSTGRES_BIN=str(tmp_path))
    assert str(tmp_path) in message


def test_a_database_of_the_environment_that_cannot_be_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    url = f"postgresql://nobody:secret-word@127.0.0.1:{port}/x"
    variables = {f"XINSHIMIN_{name}__DATABASE_URL": url for name in (each.name.upper() for each in PROCESSES)}
    message = refused(tmp_path / "data", ExitCode.MIGRATION_FAILED, **variables)
    assert "registry" in message
    assert "secret-word" not in message
    assert not (tmp_path / "data" / "postgres").exists()
