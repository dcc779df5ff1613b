"""A child and schedules as files, for `xinshimin health`: whatever cannot be used is told in both languages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from services.health.actions.schedules import released
from services.health.rules.child_files import ChildError, ChildProblem, read_child
from services.health.rules.compiling import Programme, ScheduleError, compile_programme
from services.health.rules.forecasting import assess
from services.health.rules.planning import shortest_plan
from services.health.rules.wording import told
from services.suite import points_files
from services.suite.exits import ExitCode, SuiteError


def forecast(case: Path, as_of: str, edition: str | None, overlay: Path | None) -> dict[str, Any]:
    """A child of a file, assessed on a day."""
    programme, day = _programme(overlay), points_files.day(as_of, "--as-of")
    try:
        using = None if edition is None else programme.named(edition)
        child = read_child(points_files.read_json(case), programme)
    except LookupError as error:
        raise _refused(f"--edition: 没有该版本 · {error}") from None
    except ChildError as error:
        raise _refused("\n".join(map(_told, error.problems))) from None
    if day < child.born_on:
        raise _refused("--as-of: 早于出生日期 · is before the day of birth")
    plan = shortest_plan(programme, child, day) if using is None else ()
    return told(programme, assess(programme, child, day, using), plan)


def _programme(overlay: Path | None) -> Programme:
    texts = released() if overlay is None else replace(released(), overlay=points_files.read(overlay))
    try:
        return compile_programme(texts)
    except ScheduleError as error:
        raise _refused("\n".join(error.problems)) from None


def _told(problem: ChildProblem) -> str:
    rules = f" [{', '.join(problem.rules)}]" if problem.rules else ""
    return f"{problem.field}: {problem.message_zh} · {problem.message_en}{rules}"


def _refused(message: str) -> SuiteError:
    return SuiteError(ExitCode.INPUT_REFUSED, message)
