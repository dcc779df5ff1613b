"""The law in use, read once from the dated values that ship with the code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.chassis.errors import DomainError
from services.chassis.parameters import NotInForceError, read_folder
from services.chassis.working_days import calendar
from services.registry.rules.law import compile_law

_PARAMETERS = Path(__file__).parents[1] / "parameters"

LAW = compile_law(read_folder(_PARAMETERS), (_PARAMETERS / "divisions_national.tsv.xz").read_bytes(), calendar())


@contextmanager
def law_held(problem: str) -> Iterator[None]:
    """For asking the law where an act has a problem of its own for a day without one: raises it, with that day, in place of the
    chassis's `law-not-held`.
    """
    try:
        yield
    except NotInForceError as error:
        raise DomainError(problem, extra={"on": error.day.isoformat()}) from error
