"""The cases of the immunisation schedule (`cases/*.toml`), which an official can read and correct.

A case is a child: `born`, other facts of the child, `doses` ("2023-01-31 HepB", also "paid" or "campaign"), the day `on`.
What is expected: `verdicts`, one for each dose ("valid", "too_early", "DTP valid, Polio too_early"), and by line what comes
next: `is` the standing, `dose` its number, `vaccine`, `from` the earliest, `come` the recommended, `late` the overdue and
`last` the last day. `rules` are those it rests on: each must turn up in what the engine tells.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from services.health.rules.assessment import Assessment, LineForecast
from services.health.rules.child import Barred, Child, Dose
from services.health.rules.compiling import Programme
from services.health.rules.forecasting import assess

FOLDER = Path(__file__).parent / "cases"
_CHILD = {"sex", "birth_weight_g", "gestation_weeks", "mother_hbsag"}
_TOLD = {"file", "zh", "en", "rules", "born", "on", "doses", "verdicts", "edition", "choices", "immunoglobulins", "skin_tests"}
_BARRED = {"contraindications", "conditions", "deferrals"}


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    name: str
    content: Mapping[str, Any]

    @property
    def lines(self) -> Mapping[str, Mapping[str, Any]]:
        known = _TOLD | _CHILD | _BARRED
        return {key: value for key, value in self.content.items() if key not in known}


@cache
def cases() -> tuple[Case, ...]:
    """All cases."""
    return tuple(_read())


def _read() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.toml")):
        content = tomllib.loads(file.read_text("utf-8"))
        for each in content["cases"]:
            yield Case(f"{file.stem}: {each['en']}", {**content.get("usual", {}), **each})


def dose(number: int, text: str) -> Dose:
    day, vaccine, *how = text.split()
    assert set(how) <= {"paid", "campaign"}, text
    return Dose(f"d{number}", vaccine, date.fromisoformat(day), campaign="campaign" in how, paid="paid" in how)


def child_of(content: Mapping[str, Any]) -> Child:
    """The child of a case."""
    return Child(
        born_on=content["born"],
        doses=tuple(dose(number, text) for number, text in enumerate(content.get("doses", ()))),
        **{key: content[key] for key in _CHILD & content.keys()},
        immunoglobulins=tuple(content.get("immunoglobulins", ())),
        skin_tests=tuple((each["on"], each["negative"]) for each in content.get("skin_tests", ())),
        choices=frozenset(content.get("choices", ())),
        contraindications=_barred(content, "contraindications"),
        conditions=_barred(content, "conditions"),
        deferrals=_barred(content, "deferrals"),
    )


def _barred(content: Mapping[str, Any], name: str) -> tuple[Barred, ...]:
    return tuple(Barred(each["since"], each.get("until"), frozenset(each.get("what", ()))) for each in content.get(name, ()))


def outcome(programme: Programme, case: Case) -> dict[str, Any]:
    """What the engine tells of a case, in the words of its expectation."""
    edition = programme.named(case.content["edition"]) if "edition" in case.content else None
    assessment = assess(programme, child_of(case.content), case.content["on"], edition)
    told: dict[str, Any] = {line: _told(assessment.forecasts.get(line), asked) for line, asked in case.lines.items()}
    if "verdicts" in case.content:
        told["verdicts"] = [_verdicts(assessment, f"d{number}") for number in range(len(case.content.get("doses", ())))]
    told["rules"] = sorted(set(case.content["rules"]) & rules_of(assessment))
    return told


def expected(case: Case) -> dict[str, Any]:
    """What a case expects."""
    wanted: dict[str, Any] = dict(case.lines)
    if "verdicts" in case.content:
        wanted["verdicts"] = list(case.content["verdicts"])
    return {**wanted, "rules": sorted(case.content["rules"])}


def _verdicts(assessment: Assessment, id_: str) -> str:
    found = {each.line: str(each.verdict) for each in assessment.judgements if each.dose.id == id_}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{line} {verdict}" for line, verdict in found.items())


def _told(forecast: LineForecast | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    if forecast is None:
        return {"is": "not told"}
    found: dict[str, Any] = {"is": str(forecast.standing), "counted": forecast.counted, "series": forecast.series}
    if (next_ := forecast.next) is not None:
        found |= {"dose": next_.dose_no, "vaccine": next_.vaccine, "from": next_.earliest, "come": next_.recommended}
        found |= {"late": next_.overdue_from, "last": next_.latest, "or": list(next_.else_by), "asks": next_.asks}
    return {key: "none" if found.get(key) is None else found[key] for key in asked}


def rules_of(assessment: Assessment) -> set[str]:
    """Every rule the engine names."""
    judged = {rule for each in assessment.judgements for rule in each.rules}
    judged |= {rule for each in assessment.judgements for finding in each.findings for rule in finding.rules}
    return judged | {rule for each in assessment.forecasts.values() for rule in each.rules} | {"IMM-00"}
