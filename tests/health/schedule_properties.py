"""What must hold of every child, as checkers of any engine: the tests ask them of ours, and of ones with a bug planted."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from services.chassis.months import add_months
from services.health.actions.schedules import programme
from services.health.rules.assessment import Assessment, Judgement, LineForecast, Standing, Verdict
from services.health.rules.child import Child, Dose

Engine = Callable[[Child, date], Assessment]
ONE_DAY = timedelta(1)
_CROSSING = {"IMM-05", "IMM-24", "IMM-27", "IMM-28", "DT-C3", "DT-C4", "MPC-C2", "MPC-C5", "S2012"}


def verdicts(assessment: Assessment) -> Mapping[tuple[str, str], Judgement]:
    """By dose and line."""
    return {(each.dose.id, each.line): each for each in assessment.judgements}


def with_dose(child: Child, vaccine: str, day: date, id_: str = "next") -> Child:
    return replace(child, doses=(*child.doses, Dose(id_, vaccine, day)))


def tested(child: Child, day: date) -> Child:
    """With the skin test a forecast asks for."""
    return replace(child, skin_tests=((day, True),))


def no_forecast_names_an_early_day(engine: Engine, child: Child, as_of: date) -> None:
    """A dose on the earliest day counts, and none on the day before does, by the edition that forecast it."""
    for line, forecast in engine(child, as_of).forecasts.items():
        if (next_ := forecast.next) is None:
            continue
        day = max(next_.earliest, as_of)
        if programme().on(day) is not programme().on(as_of):
            continue
        counts = judged(engine, child, next_.vaccine, day, line)
        assert counts is Verdict.VALID, f"{line}: {next_.vaccine} on {day} is {counts}"
        is_fixed = line != "MenAC" or as_of >= add_months(child.born_on, 24)  # before, MPSV-A is still expected
        if next_.earliest > as_of and is_fixed:
            early = judged(engine, child, next_.vaccine, next_.earliest - ONE_DAY, line)
            assert early is not Verdict.VALID, f"{line}: {next_.vaccine} counts a day before {next_.earliest}"


def judged(engine: Engine, child: Child, vaccine: str, day: date, line: str) -> Verdict:
    found = verdicts(engine(tested(with_dose(child, vaccine, day), day), day)).get(("next", line))
    return Verdict.DUPLICATE if found is None else found.verdict


def forecasts_followed_end_complete(engine: Engine, child: Child, as_of: date) -> None:
    """Whoever comes on the recommended days and gets all that is due is complete at seventeen, and every dose counted. What was
    complete by an edition of its time may have aged out by a later one.
    """
    end = add_months(child.born_on, 12 * 17)
    day, start = as_of, {each.line for each in engine(child, as_of).forecasts.values() if each.standing in _OUT}
    number, complete = 0, set[str]()
    while day < end:
        forecasts = engine(child, day).forecasts
        due = [each.next for each in forecasts.values() if each.next is not None and each.next.recommended <= day]
        for next_ in due:
            child = tested(with_dose(child, next_.vaccine, day, f"f{number}"), day)
            number += 1
        told = engine(child, day)
        wrong = {each.dose.vaccine: each.verdict for each in told.judgements if each.dose.id.startswith("f")} if due else {}
        assert all(each is Verdict.VALID for each in wrong.values()), wrong
        coming = [each.next.recommended for each in told.forecasts.values() if each.next is not None]
        complete |= {line for line, each in told.forecasts.items() if each.standing is Standing.COMPLETE}
        assert not coming or min(coming) > day or not due, "given, and due again on the same day"
        day = max(min([*coming, add_months(day, 12)]), day + ONE_DAY)  # a later edition may ask for more
    last = engine(child, end)
    left = {line: each.standing for line, each in last.forecasts.items() if each.standing not in {*_OUT, Standing.COMPLETE}}
    assert not left or as_of >= add_months(child.born_on, 12 * 12), left
    lost = {line for line, each in last.forecasts.items() if each.standing is Standing.AGED_OUT} - start - complete - {"MenA"}
    assert not lost or as_of >= add_months(child.born_on, 12 * 10), lost


_OUT = {Standing.AGED_OUT, Standing.NOT_MEANT, Standing.REFER}


def progress(forecast: LineForecast | None) -> tuple[bool, int]:
    """How far a line is."""
    return (False, 0) if forecast is None else (forecast.standing is Standing.COMPLETE, forecast.counted)


def counted(assessment: Assessment) -> Mapping[str, int]:
    """Doses that count, by line."""
    lines = [each.line for each in assessment.judgements if each.verdict is Verdict.VALID]
    return {line: lines.count(line) for line in lines}


def a_valid_dose_never_sets_back(engine: Engine, child: Child, as_of: date, vaccine: str) -> None:
    """One more dose on the day of assessment, where it counts: no line has fewer doses, none that was complete is not."""
    before, after = engine(child, as_of), engine(with_dose(child, vaccine, as_of), as_of)
    added = [each for (dose, _), each in verdicts(after).items() if dose == "next" and each.verdict is Verdict.VALID]
    if not added:
        return
    less = {line for line, number in counted(before).items() if counted(after).get(line, 0) < number}
    assert not less, f"fewer doses count in {less}"
    for line, forecast in before.forecasts.items():
        then = after.forecasts[line]
        assert forecast.standing is not Standing.COMPLETE or then.standing is Standing.COMPLETE, f"{line} was complete"
    for each in added:
        told, was = after.forecasts.get(each.line), before.forecasts.get(each.line)
        if told is not None and was is not None and (told.series, told.rules) == (was.series, was.rules):
            assert told.needed <= was.needed, f"{each.line} needs more"


def the_order_of_input_is_irrelevant(engine: Engine, child: Child, as_of: date, seed: int) -> None:
    shuffled = replace(child, doses=tuple(random.Random(seed).sample(child.doses, len(child.doses))))
    one, other = engine(child, as_of), engine(shuffled, as_of)
    assert one.forecasts == other.forecasts
    assert sorted(map(str, one.judgements)) == sorted(map(str, other.judgements))


def deleting_a_dose_never_helps(engine: Engine, child: Child, as_of: date) -> None:
    """Without a dose no line counts more – but where the evaluation itself says that this dose stood in the way of another."""
    before = engine(child, as_of)
    for dose in child.doses:
        after = engine(replace(child, doses=tuple(each for each in child.doses if each is not dose)), as_of)
        for line, number in counted(after).items():
            if number > counted(before).get(line, 0) and not stood_in_the_way(before, dose, line):
                raise AssertionError(f"{line}: {number} doses count without {dose}, {counted(before).get(line, 0)} with it")


def stood_in_the_way(assessment: Assessment, dose: Dose, line: str) -> bool:
    """Whether a dose of the line was held to come too soon after this one by a rule across vaccines (IMM-05, -24, -27, -28)."""
    findings = [finding for each in assessment.judgements if each.line == line for finding in each.findings]
    own = {each.line for each in assessment.judgements if each.dose.id == dose.id}
    return any(
        (each.because_of == dose.id and set(each.rules) & _CROSSING) or (line not in own and each.verdict is Verdict.TOO_EARLY)
        for each in findings
    )
