"""`xinshimin points`, as an appeal officer or another city uses it: offline, without a running suite."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.points_hukou.rules.replaying import canonical
from services.suite.exits import ExitCode
from tests.suite.launching import ROOT, clean_environment, xinshimin

FACTS = {
    "applied_on": "2022-05-10",
    "facts": {
        "birth_date": "1974-05-01",
        "has_permit": True,
        "insurance": [{"from": "2004-01", "to": "2022-04"}],
        "homes": [{"from": "2004-01", "to": "2021-09", "kind": "lawful_rental"}],
    },
}


def points(folder: Path, *arguments: str) -> Any:
    return xinshimin("points", *arguments, environment=clean_environment(folder))


def test_score_save_replay(tmp_path: Path) -> None:
    facts, saved = tmp_path / "facts.json", tmp_path / "assessment.json"
    facts.write_text(json.dumps(FACTS), "utf-8")
    ask = ("score", "--rule-set", "beijing-2020", "--facts", str(facts))

    done = points(tmp_path, *ask, "--save", str(saved), "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    given = {name: points for name, points in told["score"]["components"].items() if points != "0.00"}
    assert given == {"employment": "54.00", "housing": "8.88", "age": "16.00"}
    assert told["score"]["total"] == "78.88"
    assert saved.stat().st_mode & 0o777 == 0o600

    shown = points(tmp_path, *ask).stdout
    assert "1/24 × 213个月 = 8.875 → 8.88" in shown
    assert "合法稳定住所 · Housing  [积分指标·合法稳定住所; points.md §3.2, P-32]" in shown
    again = points(tmp_path, *ask, "--save", str(saved))
    assert again.returncode == ExitCode.INPUT_REFUSED

    digest = sha256(canonical(json.loads(saved.read_text("utf-8")))).hexdigest()
    same = points(tmp_path, "replay", str(saved))
    assert same.returncode == ExitCode.DONE
    assert digest in same.stdout
    told = json.loads(points(tmp_path, "replay", str(saved), "--json").stdout)
    assert (told["same"], told["document_sha256"]) == (True, digest)
    saved.write_text(saved.read_text("utf-8").replace('"total": "78.88"', '"total": "88.88"', 1), "utf-8")
    differs = points(tmp_path, "replay", str(saved), "--json")
    assert differs.returncode == ExitCode.REPLAY_DIFFERS
    assert json.loads(differs.stdout)["differences"] == [{"figure": "/total", "frozen": "88.88", "replayed": "78.88"}]


def test_facts_that_cannot_be_used_are_told_in_both_languages(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"applied_on": "2022-05-10", "facts": {"insurance": "long"}}), "utf-8")
    done = points(tmp_path, "score", "--rule-set", "beijing-2020", "--facts", str(facts), "--json")
    assert done.returncode == ExitCode.INPUT_REFUSED
    message = json.loads(done.stderr)["message"]
    assert (
        "/facts/insurance: 须为不超过2000项的列表 · must be a list of at most 2000 [employment (points.md §3.2, P-34), housing"
        in message
    )
    assert "/facts/birth_date: 缺少必填项:出生日期 · is missing: date of birth [age" in message


def test_rule_sets_are_listed_and_a_citys_own_are_checked(tmp_path: Path) -> None:
    listed = json.loads(points(tmp_path, "rule-sets", "--json").stdout)
    released = {each.name for each in (ROOT / "services" / "points_hukou" / "rule_sets").iterdir() if each.is_dir()}
    assert {each["id"] for each in listed} == released
    assert points(tmp_path, "check").returncode == ExitCode.DONE

    own = tmp_path / "rules" / "ningbo-2022"
    own.mkdir(parents=True)
    text = (ROOT / "services" / "points_hukou" / "rule_sets" / "ningbo-2022" / "rule_set.toml").read_text("utf-8")
    (own / "rule_set.toml").write_text(text, "utf-8")
    checked = points(tmp_path, "check", str(own.parent))
    assert checked.returncode == ExitCode.CHECK_FAILED
    assert "housing (住房) is gap and needs a choice" in checked.stdout
    told = points(tmp_path, "rule-sets", "ningbo-2022").stdout
    assert "home_in_city (held): 在宁波的住房 · home in Ningbo" in told


def test_a_change_is_tried_on_people_made_up(tmp_path: Path) -> None:
    ask = ("simulate", "--rule-set", "ningbo-2022", "--on", "2024-03-01", "--made-up", "3000", "--quota", "100")
    done = points(tmp_path, *ask, "--changed-on", "2026-03-01", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    assert told["before"]["stand"] == told["after"]["stand"]
    assert told["all"]["people"] == 3000 == told["all"]["gain"] + told["all"]["lose"] + told["all"]["same"]
    assert set(told["by"]) == {"town", "origin", "industry", "age"}
    numbers = [
        number for groups in told["by"].values() for group in groups for number in group.values() if isinstance(number, int)
    ]
    assert all(number == 0 or number >= 5 for number in numbers)
    assert json.loads(points(tmp_path, *ask, "--changed-on", "2026-03-01", "--json").stdout) == told
    assert "并列未决 undecided" in points(tmp_path, *ask).stdout


def test_a_change_is_tried_on_people_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    person = {"facts": {"birth_date": "1990-01-01", "education": ["junior_college"], "lifts": 3}, "town": "330282101"}
    file.write_text("\n".join([json.dumps(person)] * 12), "utf-8")
    ask = ("simulate", "--on", "2024-03-01", "--people", str(file), "--json", "--rule-set")
    done = points(tmp_path, *ask, "zhejiang-common-2023", "--changed", "ningbo-2022")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    assert told["before"]["average"] == "28" == told["before"]["highest"]
    assert told["after"] | {"stand": 0} == told["after"]
    assert [group["label"] for group in told["by"]["town"]] == ["330282101"]

    file.write_text(json.dumps(person) + "\n" + json.dumps(person | {"name": "x"}), "utf-8")
    refused = points(tmp_path, *ask, "zhejiang-common-2023")
    assert refused.returncode == ExitCode.INPUT_REFUSED
    assert "line 2: an object of facts, town, origin, industry and nothing else" in json.loads(refused.stderr)["message"]
    file.write_text(json.dumps({"facts": {"birth_date": "soon"}}), "utf-8")
    assert "第1行 line 1, /facts/birth_date" in points(tmp_path, *ask, "zhejiang-common-2023").stderr
    file.write_text(json.dumps(person | {"town": "赵家"}), "utf-8")
    assert "must be a code" in points(tmp_path, *ask, "zhejiang-common-2023").stderr
    both = points(tmp_path, *ask, "zhejiang-common-2023", "--made-up", "3")
    assert both.returncode == ExitCode.INPUT_REFUSED
