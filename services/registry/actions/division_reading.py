"""What is asked about divisions: what a code names on a day, what lies below it. Reference data that ship with the code."""

from datetime import date

from services.chassis.errors import DomainError, FieldError
from services.chassis.pages import Page, sign, unsign
from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.rules.division import is_division_code, level_of, parent_of, significant
from services.registry.rules.division_tree import DatedDivision
from services.registry.schemas.divisions import DivisionView

_LIST = "divisions"


def read_division(work: Work, code: str, on: date | None) -> DivisionView:
    """What the code names, or named, as seen on that day. Raises `DomainError('division-not-held')`."""
    day = on or work.today
    found = LAW.divisions.resolved(_well_formed(code), day)
    if found is None:
        raise DomainError("division-not-held")
    return _view(found, day)


def list_divisions(work: Work, code: str | None, on: date | None, cursor: str | None, limit: int) -> Page[DivisionView]:
    """The divisions one level below that are in force on that day, in the order of their codes. Raises
    `DomainError('division-not-held')`.
    """
    day = on or work.today
    parent = significant(_well_formed(code)) if code else ""
    if parent and LAW.divisions.resolved(parent, day) is None:
        raise DomainError("division-not-held")
    scope = f"{_LIST}:{parent}:{day.isoformat()}"
    last = unsign(work.keyring, cursor, label=scope)[0] if cursor else ""
    rest = [child for child in LAW.divisions.children(parent or None, day) if child.row.value.code > last]
    shown = rest[:limit]
    more = sign(work.keyring, scope, shown[-1].row.value.code) if len(rest) > limit else None
    return Page(items=[_view(child, day) for child in shown], next_cursor=more)


def _well_formed(code: str) -> str:
    if not is_division_code(code):
        zh, en = "应为2、4、6、9或12位行政区划代码", "a division code of 2, 4, 6, 9 or 12 digits is expected"
        raise DomainError("invalid-request", errors=[FieldError("/code", "division_code_malformed", zh, en, "C-20")])
    return code


def _view(found: DatedDivision, on: date) -> DivisionView:
    row, division = found.row, found.row.value
    return DivisionView(
        code=division.code,
        level=level_of(division.code),
        name_zh=division.name_zh,
        kind=division.kind,
        parent_code=parent_of(division.code) or None,
        is_in_force=row.is_in_force(on),
        current_code=found.current_code,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        successor_code=division.successor,
        held_until=LAW.divisions.national.held_until,
        source=row.source,
        confidence=row.confidence,
    )
