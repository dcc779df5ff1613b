"""What comes next in every line, by the edition in force on the day of assessment (IMM-00)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.health.rules import obstacles
from services.health.rules.assessment import Assessment, LineForecast, NextDose, Standing
from services.health.rules.child import Child
from services.health.rules.compiling import Edition, Programme, Vaccine
from services.health.rules.courses import Counted, bounds, course_on, needed, next_step, proposed, until
from services.health.rules.document.schedule import Course, Series, Step
from services.health.rules.document.vaccines import Line
from services.health.rules.evaluating import Evaluation, evaluate

_ONE_DAY = timedelta(1)
_NOT_THE_END = frozenset({Standing.COMPLETE, Standing.AGED_OUT})
_STANDING_OF = {
    obstacles.Kind.CONTRAINDICATED: Standing.CONTRAINDICATED,
    obstacles.Kind.DEFERRED: Standing.DEFERRED,
    obstacles.Kind.REFERRED: Standing.REFER,
}
_ONCE_ZH = "已接种过卡介苗而该剂次不计;不再接种,请到接种门诊评估"
_ONCE_EN = "BCG was given and does not count; it is not repeated: the clinic decides"
_BARRED_RANK = {Standing.REFER: 0, Standing.DEFERRED: 1, Standing.CONTRAINDICATED: 2, Standing.AGED_OUT: 3}


def assess(programme: Programme, child: Child, as_of: date, edition: Edition | None = None) -> Assessment:
    """Judge every dose and forecast every line of a child on a day; `edition` forecasts by another edition than that of the
    day.
    """
    evaluation = evaluate(programme, child, as_of)
    using = edition or programme.on(as_of)
    case = _Case(programme, using, child, as_of, evaluation)
    told = (_line(case, line, using.of_line.get(line.id, ())) for line in programme.lines.values())
    forecasts = {each.line: each for each in told if each is not None}
    return Assessment(as_of, using.id, evaluation.judgements, forecasts)


@dataclass(frozen=True, slots=True)
class _Case:
    programme: Programme
    edition: Edition
    child: Child
    as_of: date
    evaluation: Evaluation

    def counted(self, series: Series) -> Sequence[Counted]:
        return self.evaluation.record.get(series.id, ())


def _line(case: _Case, line: Line, every: Sequence[Series]) -> LineForecast | None:
    """A line by the series that fits: one that is complete, else the one chosen, begun, or the default; `None` where none
    is offered.
    """
    found = [_series(case, each) for each in _by_preference(case, every)]
    if not found:
        return None
    complete = next((each for each in found if each.standing is Standing.COMPLETE), None)
    if complete is not None:
        return complete
    if line.once_only and line.id in case.evaluation.given:
        return replace(found[0], standing=Standing.REFER, next=None, rules=("BCG-C4",), reason_zh=_ONCE_ZH, reason_en=_ONCE_EN)
    usable = [each for each in found if each.next is not None]
    return _with_alternatives(usable) if usable else found[0]


def _with_alternatives(usable: Sequence[LineForecast]) -> LineForecast:
    """The first, with the vaccines of the other series while none of them is begun: the guardian or the province chooses."""
    first, others = usable[0], tuple(each.next.vaccine for each in usable[1:] if each.next is not None)
    if first.next is None or first.counted or not others:
        return first
    return replace(first, next=replace(first.next, else_by=(*first.next.else_by, *others)))


def _by_preference(case: _Case, every: Sequence[Series]) -> list[Series]:
    """Chosen before begun, begun before the default, of those begun the one that misses least. What is not offered by the
    programme is looked at only where it is complete.
    """

    if len(every) == 1:
        return [each for each in every if each.offered or _is_complete(case, each)]

    def rank(series: Series) -> tuple[bool, bool, int]:
        counted = case.counted(series)
        course = course_on(series, case.child, case.as_of, case.evaluation.record) if counted else None
        return series.id not in case.child.choices, not counted, needed(course, counted) if course is not None else 0

    return sorted((each for each in every if each.offered or _is_complete(case, each)), key=rank)


def _is_complete(case: _Case, series: Series) -> bool:
    course = course_on(series, case.child, case.as_of, case.evaluation.record)
    return course is not None and course.refer_zh is None and needed(course, case.counted(series)) == 0


def _series(case: _Case, series: Series) -> LineForecast:
    """A series on the day; where a course or a vaccine ends with an age, by what comes after.

    What is complete for an age is complete only if nothing follows: a child of four with four DTaP still gets DT at six.
    """
    day: date | None = case.as_of
    found: LineForecast | None = None
    while day is not None:
        course = course_on(series, case.child, day, case.evaluation.record)
        if course is None:
            break
        then = _on_course(case, series, course, day)
        if then.standing not in _NOT_THE_END:
            return then
        if found is None or found.standing is not Standing.COMPLETE:
            found = then
        day = _next_age(case, series, course, day)
    if found is not None:
        return found
    rules = series.courses[0].rules
    return LineForecast(series.line, series.id, Standing.NOT_MEANT, len(case.counted(series)), 0, None, rules)


def _next_age(case: _Case, series: Series, course: Course, day: date) -> date | None:
    """The next day on which the child's age alone changes the course or the vaccines; `None` when there is none before the
    end.
    """
    born_on, end = case.child.born_on, series.until.after(case.child.born_on)
    ages = [*series.vaccine_until.values(), *((course.when.age_until,) if course.when.age_until else ())]
    return min((each for age in ages if day < (each := age.after(born_on)) < end), default=None)


def _on_course(case: _Case, series: Series, course: Course, day: date) -> LineForecast:
    counted, missing = len(case.counted(series)), needed(course, case.counted(series))

    def told(standing: Standing, next_: NextDose | None = None, rules: tuple[str, ...] = ()) -> LineForecast:
        return LineForecast(
            series.line, series.id, standing, counted, missing, next_, (*course.rules, *rules), course.refer_zh, course.refer_en
        )

    if course.refer_zh is not None:
        return told(Standing.REFER)
    if missing == 0:
        return told(Standing.COMPLETE)
    barred: list[tuple[Standing, tuple[str, ...]]] = []
    step = next_step(course, missing)
    for code in dict.fromkeys(proposed(course, step, case.counted(series))):
        found = _dated(case, series, course, step, case.programme.vaccines[code], day)
        if isinstance(found, NextDose):
            standing, rules = _standing(case, course, found)
            return told(standing, found if standing not in _BARRED_RANK else None, rules)
        barred.append(found)
    standing, rules = min(barred, key=lambda each: _BARRED_RANK[each[0]])
    return told(standing, None, rules)


def _standing(case: _Case, course: Course, found: NextDose) -> tuple[Standing, tuple[str, ...]]:
    if course.asks == "skin_test_negative" and any(not negative for _, negative in case.child.skin_tests):
        return Standing.CONTRAINDICATED, ()
    if case.as_of >= found.overdue_from:  # which is always later than the earliest day
        return Standing.OVERDUE, ()
    return (Standing.DUE if case.as_of >= found.recommended else Standing.UPCOMING), ()


def _dated(
    case: _Case, series: Series, course: Course, step: Step, vaccine: Vaccine, day: date
) -> NextDose | tuple[Standing, tuple[str, ...]]:
    """The dates of a dose of one vaccine, or why there are none."""
    counted, record = case.counted(series), case.evaluation.record
    last = end = until(series, vaccine.tags, case.child.born_on)
    if course.when.age_until is not None:
        end = min(end, course.when.age_until.after(case.child.born_on))
    allowed = max(each.day for each in bounds(step, step.age, case.child, counted, record))
    if series.offered_from is not None:
        allowed = max(allowed, series.offered_from)
    windows = _windows(case, vaccine)
    earliest = obstacles.first_free(max(allowed, day), windows)
    if isinstance(earliest, date) and earliest <= case.as_of:
        earliest = obstacles.first_free(allowed, windows)
    if not isinstance(earliest, date):
        return _STANDING_OF[earliest.kind], earliest.rules
    if max(earliest, day) >= end:
        return Standing.AGED_OUT, series.age_rules
    listed_on = (step.recommended or step.age).after(case.child.born_on)
    recommended = max(listed_on, earliest)
    return NextDose(
        vaccine=vaccine.code,
        dose_no=len(course.steps) - needed(course, counted) + 1,
        earliest=earliest,
        recommended=recommended,
        overdue_from=_overdue_from(case, step, counted, earliest, recommended),
        latest=last - _ONE_DAY,
        listed_on=listed_on,
        else_by=tuple(each for each in step.give if each != vaccine.code),
        asks=_asked(case, course),
    )


def _windows(case: _Case, vaccine: Vaccine) -> list[obstacles.Window]:
    windows = obstacles.of_others(vaccine, case.child, case.evaluation.live, case.edition.general)
    if case.child.contraindications or case.child.conditions or case.child.deferrals:
        windows.extend(obstacles.personal(vaccine, case.child, case.programme))
    return windows


def _overdue_from(case: _Case, step: Step, counted: Sequence[Counted], earliest: date, recommended: date) -> date:
    """The recommended limit, or the longest interval; where neither can still be kept, so long after the dose could be
    given.
    """
    limits: list[date] = []
    if step.before is not None:
        limits.append(step.before.after(case.child.born_on))
    if step.within is not None and counted:
        limits.append(step.within.after(counted[-1].dose.given_on) + _ONE_DAY)
    kept = [each for each in limits if each > earliest]
    return min(kept) if kept else case.edition.general.overdue_after.value.after(recommended)


def _asked(case: _Case, course: Course) -> str | None:
    if course.asks == "skin_test_negative" and any(negative for _, negative in case.child.skin_tests):
        return None
    return course.asks
