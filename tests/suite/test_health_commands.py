"""`xinshimin health`, as a clinic or another city uses it: offline, without a running suite."""

import json
from pathlib import Path
from typing import Any

from services.suite.exits import ExitCode
from tests.suite.launching import clean_environment, xinshimin

CHILD = {
    "born_on": "2022-05-31",
    "doses": [{"vaccine": "HepB", "given_on": "2022-05-31"}, {"vaccine": "HepB", "given_on": "2022-06-29", "id": "early"}],
}


def forecast(folder: Path, child: object, *arguments: str) -> Any:
    file = folder / "child.json"
    file.write_text(json.dumps(child), "utf-8")
    return xinshimin("health", "forecast", "--case", str(file), *arguments, environment=clean_environment(folder))


def test_a_forecast_is_told_with_its_rules(tmp_path: Path) -> None:
    done = forecast(tmp_path, CHILD, "--as-of", "2022-07-01", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    assert told["edition"]["id"] == "cn-nip-2021"
    early = told["doses"][1]
    assert (early["id"], early["verdict"]) == ("early", "too_early")
    assert early["findings"][0]["not_before"] == "2022-06-30"
    (hepb,) = (each for each in told["lines"] if each["line"] == "HepB")
    assert (hepb["standing"], hepb["next"]["dose_no"], hepb["next"]["earliest"]) == ("due", 2, "2022-06-30")
    assert [(each["day"], each["text_en"]) for each in told["plan"]] == [("2022-07-01", "hepatitis B vaccine, BCG")]
    assert told["rules"]["IMM-01"]["zh"] == "程序所列月(年)龄为最小接种年龄"

    shown = forecast(tmp_path, CHILD, "--as-of", "2022-07-01").stdout
    assert "早于最小年龄:2022-06-30起方可 · below the minimum age: not before 2022-06-30" in shown
    assert "应种:第2剂乙肝疫苗,最早2022-06-30" in shown


def test_a_forecast_by_another_edition(tmp_path: Path) -> None:
    done = forecast(tmp_path, CHILD, "--as-of", "2022-07-31", "--edition", "cn-nip-2021-dtp-2025", "--json")
    (dtp,) = (each for each in json.loads(done.stdout)["lines"] if each["line"] == "DTP")
    assert dtp["next"]["earliest"] == "2022-07-31"
    unknown = forecast(tmp_path, CHILD, "--as-of", "2022-07-31", "--edition", "cn-nip-1999")
    assert unknown.returncode == ExitCode.INPUT_REFUSED
    assert "no edition cn-nip-1999; held: cn-nip-2008" in unknown.stderr


def test_what_cannot_be_used_names_field_and_rule(tmp_path: Path) -> None:
    wrong = {**CHILD, "doses": [{"vaccine": "HepB", "given_on": "2022-05-30"}], "sex": "male"}
    done = forecast(tmp_path, wrong, "--as-of", "2022-07-01", "--json")
    assert done.returncode == ExitCode.INPUT_REFUSED
    message = json.loads(done.stderr)["message"]
    assert message == "/doses/0/given_on: 早于出生日期 · is before the day of birth [IMM-01]"
    early = forecast(tmp_path, CHILD, "--as-of", "2022-05-30")
    assert "--as-of: 早于出生日期" in early.stderr


def test_a_citys_own_vaccines(tmp_path: Path) -> None:
    overlay = tmp_path / "city.toml"
    overlay.write_text('id = "x"\nvalid_from = 2022-01-01\n', "utf-8")
    done = forecast(tmp_path, CHILD, "--as-of", "2022-07-01", "--overlay", str(overlay))
    assert done.returncode == ExitCode.INPUT_REFUSED
    assert "overlay: name_zh: Field required" in done.stderr
