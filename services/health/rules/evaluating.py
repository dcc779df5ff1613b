"""Every recorded dose, judged by the edition in force on its day (IMM-00); never again by a later one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.health.rules import obstacles
from services.health.rules.assessment import Finding, Judgement, Verdict
from services.health.rules.child import Child, Dose
from services.health.rules.compiling import Edition, Programme, Vaccine
from services.health.rules.courses import Counted, bounds, course_on, is_accepted, needed, next_step, rules_of, until
from services.health.rules.document.schedule import Course, Series, Step
from services.health.rules.spans import Span

_PREFERENCE = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The doses judged, and what counts in each series. `live`: recorded injected live doses, counted or not; `given`: lines of
    which any dose was recorded.
    """

    judgements: tuple[Judgement, ...]
    record: dict[str, list[Counted]]
    live: tuple[tuple[Dose, Vaccine], ...]
    given: frozenset[str]


def evaluate(programme: Programme, child: Child, as_of: date) -> Evaluation:
    """Judge the doses given up to a day, in whatever order they are recorded. Raises LookupError for a vaccine nobody knows."""
    doses = sorted(((dose, programme.vaccines[dose.vaccine]) for dose in child.doses if dose.given_on <= as_of), key=_order_of)
    once, duplicates = _without_duplicates(doses)
    live = tuple(each for each in once if each[1].is_live_injected)
    record: dict[str, list[Counted]] = {}
    counted_in: dict[str, set[str]] = {}
    judgements: list[Judgement] = []
    for line in programme.lines.values():
        ours = [each for each in once if line.id in each[1].lines]
        taken = counted_in.setdefault(line.id, set())
        for dose, vaccine in ours:
            if line.follows is not None and dose.id in counted_in[line.follows]:
                continue
            judgement = _in_line(programme, child, line.id, Counted(dose, vaccine), record, live)
            judgements.append(judgement)
            if judgement.verdict is Verdict.VALID:
                taken.add(dose.id)
    settled = tuple(
        each for each in judgements if each.verdict is Verdict.VALID or not _is_of_the_next_line(programme, each, counted_in)
    )
    given = frozenset(line for _, vaccine in once for line in vaccine.lines)
    return Evaluation((*settled, *_told_of(duplicates, programme)), record, live, given)


def _order_of(each: tuple[Dose, Vaccine]) -> tuple[date, int, str]:
    return each[0].given_on, each[1].rank, each[0].id


def _without_duplicates(doses: Sequence[tuple[Dose, Vaccine]]) -> tuple[list[tuple[Dose, Vaccine]], list[Dose]]:
    """The same vaccine on the same day is one dose, however many offices reported it (X-35)."""
    once: list[tuple[Dose, Vaccine]] = []
    again: list[Dose] = []
    for dose, vaccine in doses:
        is_again = bool(once) and once[-1][1] is vaccine and once[-1][0].given_on == dose.given_on
        if is_again:
            again.append(dose)
        else:
            once.append((dose, vaccine))
    return once, again


def _told_of(duplicates: Sequence[Dose], programme: Programme) -> Iterator[Judgement]:
    for dose in duplicates:
        edition = programme.on(dose.given_on).id
        for line in programme.vaccines[dose.vaccine].lines:
            yield Judgement(dose, line, None, Verdict.DUPLICATE, edition, findings=(Finding(Verdict.DUPLICATE, ("X-35",)),))


def _is_of_the_next_line(programme: Programme, judgement: Judgement, counted_in: dict[str, set[str]]) -> bool:
    """Whether a dose that does not count in a line counts in the line that carries it on: one vaccine may serve both in
    turn.
    """
    following = (line.id for line in programme.lines.values() if line.follows == judgement.line)
    return any(judgement.dose.id in counted_in[each] for each in following)


def _in_line(
    programme: Programme,
    child: Child,
    line: str,
    given: Counted,
    record: dict[str, list[Counted]],
    live: Sequence[tuple[Dose, Vaccine]],
) -> Judgement:
    """One dose in one line, by whichever of its series takes it best. It counts in every series that takes it, and in none once
    one of them is complete.
    """
    edition = programme.on(given.dose.given_on)
    found = [_in_series(edition, each, child, given, record, live) for each in edition.of_line.get(line, ())]
    if extra := next((each for each in found if each.verdict is Verdict.EXTRA), None):
        return extra
    for each in found:
        if each.verdict is Verdict.VALID and each.series is not None:
            record.setdefault(each.series, []).append(given)
    if not found:
        return Judgement(
            given.dose,
            line,
            None,
            Verdict.NOT_IN_PROGRAMME,
            edition.id,
            findings=(Finding(Verdict.NOT_IN_PROGRAMME, ("IMM-00",)),),
        )
    return min(found, key=_rank_of)


def _rank_of(judgement: Judgement) -> int:
    return _PREFERENCE[judgement.verdict]


def _in_series(
    edition: Edition,
    series: Series,
    child: Child,
    given: Counted,
    record: dict[str, list[Counted]],
    live: Sequence[tuple[Dose, Vaccine]],
) -> Judgement:
    day, counted = given.dose.given_on, record.get(series.id, [])
    course = course_on(series, child, day, record)
    findings: list[Finding] = []
    number: int | None = None
    if course is None:
        findings.append(Finding(Verdict.NOT_IN_PROGRAMME, series.courses[0].rules))
    elif course.refer_zh is not None:
        findings.append(Finding(Verdict.UNDECIDED, course.rules))
    elif (missing := needed(course, counted)) == 0:
        findings.append(Finding(Verdict.EXTRA, ("IMM-02", *course.rules)))
    else:
        step, number = next_step(course, missing), len(course.steps) - missing + 1
        findings += _against(edition, series, course, step, child, given, record, live)
    verdict = findings[0].verdict if findings else Verdict.VALID
    return Judgement(
        dose=given.dose,
        line=series.line,
        series=series.id,
        verdict=verdict,
        edition=edition.id,
        dose_no=number if verdict is Verdict.VALID else None,
        findings=tuple(findings),
        rules=course.rules if course is not None else (),
    )


def _against(
    edition: Edition,
    series: Series,
    course: Course,
    step: Step,
    child: Child,
    given: Counted,
    record: dict[str, list[Counted]],
    live: Sequence[tuple[Dose, Vaccine]],
) -> Iterator[Finding]:
    """Everything against a dose that is due in its series, the gravest first."""
    dose, vaccine, counted = given.dose, given.vaccine, record.get(series.id, [])
    if dose.given_on >= until(series, vaccine.tags, child.born_on):
        yield Finding(Verdict.TOO_OLD, series.age_rules)
    if not is_accepted(course, step, counted, given):
        yield Finding(Verdict.WRONG_PRODUCT, course.rules)
    day = dose.given_on + timedelta(edition.general.grace_days.value)
    for bound in bounds(step, _age_for(dose, series, course, step), child, counted, record):
        if day < bound.day:
            yield Finding(bound.verdict, rules_of(bound, course), bound.day, bound.because_of)
    if not vaccine.is_live_injected and not child.immunoglobulins:
        return
    before = [each for each in live if each[0].given_on < dose.given_on]
    for window in obstacles.of_others(vaccine, child, before, edition.general):
        if window.covers(dose.given_on):
            yield Finding(obstacles.VERDICTS[window.kind], window.rules, window.until, window.because_of)


def _age_for(dose: Dose, series: Series, course: Course, step: Step) -> Span:
    """The minimum age of a dose as it was given: one of its own in a campaign (IMM-22), and by its label (P8)."""
    if dose.campaign and series.counts_campaigns:
        return course.steps[0].age
    if dose.paid and step.paid_age is not None:
        return step.paid_age
    return step.age
