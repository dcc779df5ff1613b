"""An assessment in words, Chinese and English, and as plain values for a program."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.health.rules.assessment import Assessment, Finding, Judgement, LineForecast, NextDose, Standing, Verdict
from services.health.rules.compiling import Programme
from services.health.rules.planning import Visit

Told = dict[str, Any]

VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.VALID: ("有效", "counts"),
    Verdict.UNDECIDED: ("衔接规则未定,转诊评估", "no rule is established: the clinic decides"),
    Verdict.DUPLICATE: ("重复记录", "reported twice"),
    Verdict.EXTRA: ("多余剂次", "extra dose"),
    Verdict.TOO_EARLY: ("早于最小年龄", "below the minimum age"),
    Verdict.INTERVAL_TOO_SHORT: ("间隔不足", "interval too short"),
    Verdict.LIVE_TOO_CLOSE: ("与另一减毒活疫苗间隔不足", "too close to another live vaccine"),
    Verdict.AFTER_IMMUNOGLOBULIN: ("距免疫球蛋白过近", "too soon after immunoglobulin"),
    Verdict.TOO_OLD: ("超过接种年龄", "too old"),
    Verdict.WRONG_PRODUCT: ("品种不符", "wrong product"),
    Verdict.NOT_IN_PROGRAMME: ("当日不在规划内", "not in the programme on that day"),
}
STANDINGS: Mapping[Standing, tuple[str, str]] = {
    Standing.COMPLETE: ("已完成", "complete"),
    Standing.UPCOMING: ("未到期", "upcoming"),
    Standing.DUE: ("应种", "due"),
    Standing.OVERDUE: ("逾期", "overdue"),
    Standing.DEFERRED: ("暂缓", "deferred"),
    Standing.CONTRAINDICATED: ("禁忌", "contraindicated"),
    Standing.REFER: ("转诊评估", "refer to the clinic"),
    Standing.AGED_OUT: ("超龄,不再接种", "too old, no longer given"),
    Standing.NOT_MEANT: ("不在接种对象内", "not meant for this child"),
}
ASKS: Mapping[str, tuple[str, str]] = {
    "skin_test_negative": ("先做结核菌素试验,阴性方可接种", "only after a negative tuberculin skin test"),
    "stable_before_discharge": ("出院前医学评估稳定后接种", "before discharge, once stable"),
}


def told(programme: Programme, assessment: Assessment, visits: Sequence[Visit] = ()) -> Told:
    """An assessment as plain values, with both texts and the rules it names in words."""
    edition = programme.named(assessment.edition)
    doses = [_dose(programme, each) for each in assessment.judgements]
    lines = [_line(programme, each) for each in assessment.forecasts.values()]
    named = sorted({rule for each in (*doses, *lines) for rule in each["rules"]})
    return {
        "as_of": assessment.as_of.isoformat(),
        "edition": {"id": edition.id, "name_zh": edition.name_zh, "name_en": edition.name_en},
        "doses": doses,
        "lines": lines,
        "plan": [_visit(programme, each) for each in visits],
        "rules": {rule: _rule(programme, rule) for rule in named},
    }


def _dose(programme: Programme, judgement: Judgement) -> Told:
    vaccine, (zh, en) = programme.vaccines[judgement.dose.vaccine], VERDICTS[judgement.verdict]
    if judgement.dose_no is not None:
        zh, en = f"第{judgement.dose_no}剂,{zh}", f"dose {judgement.dose_no} {en}"
    first = judgement.findings[0] if judgement.findings else None
    if first is not None and first.not_before is not None:
        zh, en = f"{zh}:{first.not_before}起方可", f"{en}: not before {first.not_before}"
    rules = [*judgement.rules, *(rule for finding in judgement.findings for rule in finding.rules)]
    return {
        "id": judgement.dose.id,
        "given_on": judgement.dose.given_on.isoformat(),
        "vaccine": vaccine.code,
        "vaccine_zh": vaccine.name_zh,
        "vaccine_en": vaccine.name_en,
        "line": judgement.line,
        "verdict": str(judgement.verdict),
        "dose_no": judgement.dose_no,
        "text_zh": zh,
        "text_en": en,
        "edition": judgement.edition,
        "rules": list(dict.fromkeys(rules)),
        "findings": [_finding(each) for each in judgement.findings],
    }


def _finding(finding: Finding) -> Told:
    return {
        "verdict": str(finding.verdict),
        "not_before": None if finding.not_before is None else finding.not_before.isoformat(),
        "because_of": finding.because_of,
        "rules": list(finding.rules),
    }


def _line(programme: Programme, forecast: LineForecast) -> Told:
    line, (zh, en) = programme.lines[forecast.line], STANDINGS[forecast.standing]
    if forecast.next is not None:
        zh, en = f"{zh}:{_next_zh(programme, forecast.next)}", f"{en}: {_next_en(programme, forecast.next)}"
    if forecast.reason_zh is not None:
        zh, en = f"{zh}:{forecast.reason_zh}", f"{en}: {forecast.reason_en}"
    return {
        "line": line.id,
        "name_zh": line.name_zh,
        "name_en": line.name_en,
        "standing": str(forecast.standing),
        "series": forecast.series,
        "counted": forecast.counted,
        "needed": forecast.needed,
        "next": None if forecast.next is None else _next(forecast.next),
        "text_zh": zh,
        "text_en": en,
        "rules": list(dict.fromkeys(forecast.rules)),
    }


def _next(next_: NextDose) -> Told:
    days = ("earliest", "recommended", "overdue_from", "latest", "listed_on")
    return {
        "vaccine": next_.vaccine,
        "dose_no": next_.dose_no,
        "else_by": list(next_.else_by),
        "asks": next_.asks,
    } | {name: getattr(next_, name).isoformat() for name in days}


def _next_zh(programme: Programme, next_: NextDose) -> str:
    name = programme.vaccines[next_.vaccine].name_zh
    asks = f",{ASKS[next_.asks][0]}" if next_.asks else ""
    return (
        f"第{next_.dose_no}剂{name},最早{next_.earliest},推荐{next_.recommended},{next_.overdue_from}起逾期,"
        f"最迟{next_.latest}{asks}"
    )


def _next_en(programme: Programme, next_: NextDose) -> str:
    name = programme.vaccines[next_.vaccine].name_en
    asks = f", {ASKS[next_.asks][1]}" if next_.asks else ""
    return (
        f"{name} dose {next_.dose_no}, earliest {next_.earliest}, recommended {next_.recommended}, "
        f"overdue from {next_.overdue_from}, latest {next_.latest}{asks}"
    )


def _visit(programme: Programme, visit: Visit) -> Told:
    doses = [{"line": each.line, "vaccine": each.vaccine, "dose_no": each.dose_no, "asks": each.asks} for each in visit.doses]
    names = [programme.vaccines[each.vaccine] for each in visit.doses]
    return {
        "day": visit.day.isoformat(),
        "doses": doses,
        "text_zh": "、".join(each.name_zh for each in names),
        "text_en": ", ".join(each.name_en for each in names),
    }


def _rule(programme: Programme, rule: str) -> Told:
    text = programme.rules[rule]
    return {"zh": text.zh, "en": text.en, "source": text.source, "confidence": text.confidence}


def lines_of(content: Told) -> Iterator[str]:
    """What was told, for a reader at a terminal."""
    edition = content["edition"]
    yield f"{content['as_of']}  {edition['name_zh']} · {edition['name_en']}"
    yield ""
    for each in content["doses"]:
        yield f"{each['given_on']}  {each['vaccine_zh']} · {each['vaccine_en']}  [{each['line']}]"
        yield f"            {each['text_zh']} · {each['text_en']}  [{', '.join(each['rules'])}; {each['edition']}]"
    yield ""
    for each in content["lines"]:
        yield f"{each['name_zh']} · {each['name_en']}  [{', '.join(each['rules'])}]"
        yield f"    {each['text_zh']}"
        yield f"    {each['text_en']}"
    if content["plan"]:
        yield ""
        yield "补种安排 · plan"
        yield from (f"    {each['day']}  {each['text_zh']} · {each['text_en']}" for each in content["plan"])
    yield ""
    yield from (f"{rule}: {text['zh']} · {text['en']}" for rule, text in content["rules"].items())
