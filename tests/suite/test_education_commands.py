"""`xinshimin education`, as a parent or a court uses it: offline, without a running suite."""

import json
from pathlib import Path
from typing import Any

from services.education.rules.placement.placing import place
from services.education.rules.placement.proving import make_bundle
from services.education.rules.placement.published import write_bundle
from services.suite.exits import ExitCode
from tests.education.problems import child, draw, offer, problem
from tests.suite.launching import clean_environment, xinshimin


def education(folder: Path, *arguments: str) -> Any:
    return xinshimin("education", *arguments, environment=clean_environment(folder))


def published(folder: Path) -> tuple[Path, str]:
    children = [child(f"c{number}", 100 * number, ["a", "b"]) for number in range(4)]
    bundle = make_bundle(place(problem([offer("a", 1), offer("b", 2)], children), draw(3)), draw(3))
    file = folder / "round.json"
    file.write_bytes(write_bundle(bundle))
    return file, bundle.digest


def test_a_round_is_verified_and_a_tampered_one_is_not(tmp_path: Path) -> None:
    file, digest = published(tmp_path)
    done = education(tmp_path, "verify", str(file), "--digest", digest)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "ok  无正当嫉妒、无空置学位 · no justified envy, no waste" in done.stdout
    assert "重新安排 placing again: 1 to do" in done.stderr
    told = json.loads(education(tmp_path, "verify", str(file), "--json").stdout)
    assert (told["verified"], told["children"], told["placed"], told["digest"]) == (True, 4, 3, digest)
    assert education(tmp_path, "verify", str(file), "--digest", "00").returncode == ExitCode.NOT_VERIFIED

    content = json.loads(file.read_text("utf-8"))
    content["placements"][3]["offer"], content["placements"][2]["offer"] = "b", "a"
    file.write_text(json.dumps(content), "utf-8")
    spoilt = education(tmp_path, "verify", str(file))
    assert spoilt.returncode == ExitCode.NOT_VERIFIED
    assert "c3:公布为b,重算为a · c3: published b, comes out a" in spoilt.stdout
    assert "c3在a优先于已入读的c2 · c3 goes before c2, who has a place at a" in spoilt.stdout

    file.write_text("{}", "utf-8")
    refused = education(tmp_path, "verify", str(file))
    assert refused.returncode == ExitCode.INPUT_REFUSED
    assert "/problem: 格式不符" in refused.stderr


def test_a_child_proves_its_place_and_asks_why(tmp_path: Path) -> None:
    file, digest = published(tmp_path)
    saved = tmp_path / "proof.json"
    assert education(tmp_path, "proof", str(file), "c0", "--save", str(saved)).returncode == ExitCode.DONE
    assert saved.stat().st_mode & 0o777 == 0o600
    checked = education(tmp_path, "check-proof", str(saved), "--digest", digest)
    assert checked.returncode == ExitCode.DONE, checked.stderr
    assert "2. b: refused (points)" in checked.stdout
    saved.write_text(saved.read_text("utf-8").replace('"points":0', '"points":1'), "utf-8")
    told = education(tmp_path, "check-proof", str(saved), "--digest", digest, "--json")
    assert told.returncode == ExitCode.NOT_VERIFIED
    assert [each["check"] for each in json.loads(told.stdout)["findings"]] == ["tree"]

    why = education(tmp_path, "why", str(file), "c0")
    assert "2. b: 学位已满:录取最低分1.00,本人0.00" in why.stdout
    assert "full: the lowest points admitted are 1.00, this child has 0.00" in why.stdout
    assert education(tmp_path, "why", str(file), "nobody").returncode == ExitCode.INPUT_REFUSED
    assert education(tmp_path, "proof", str(file), "nobody").returncode == ExitCode.INPUT_REFUSED
