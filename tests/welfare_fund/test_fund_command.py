"""`xinshimin fund verify` on files."""

import json
from pathlib import Path

from typer.testing import CliRunner

from services.suite.cli import app
from services.suite.exits import ExitCode
from tests.welfare_fund.test_export import filled, lines


def verify(file: Path, content: bytes, *options: str) -> tuple[int, str]:
    file.write_bytes(content)
    result = CliRunner().invoke(app, ["fund", "verify", str(file), *options])
    return result.exit_code, result.stdout


def test_a_sound_export_is_told_with_its_balances(tmp_path: Path) -> None:
    code, shown = verify(tmp_path / "x", b"".join(lines()), "--json")
    assert code == ExitCode.DONE
    told = json.loads(shown)
    assert (told["verified"], told["entries"], told["head"]) == (True, 5, filled().head)
    assert {"book": "330282", "account": "held", "employer": None, "balance_fen": 268_000} in told["balances"]
    code, shown = verify(tmp_path / "x", b"".join(lines()))
    assert (code, "30,000,000.00" in shown) == (ExitCode.DONE, True)


def test_one_changed_fen_is_refused_with_its_line(tmp_path: Path) -> None:
    changed = b"".join(lines()).replace(b"3000000000", b"3000000001", 1)
    code, shown = verify(tmp_path / "x", changed)
    assert code == ExitCode.NOT_VERIFIED
    assert "第 2 行" in shown


def test_a_published_hash_must_be_passed_through(tmp_path: Path) -> None:
    assert verify(tmp_path / "x", b"".join(lines()), "--head", filled().entries[2].hash)[0] == ExitCode.DONE
    assert verify(tmp_path / "x", b"".join(lines()), "--head", "ab" * 32)[0] == ExitCode.NOT_VERIFIED
