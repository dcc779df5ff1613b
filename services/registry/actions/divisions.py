"""Which division a client may name in an act."""

from datetime import date, datetime
from typing import Protocol

from services.chassis.errors import DomainError, FieldError
from services.chassis.principal import Principal
from services.chassis.refusals import division_out_of_scope
from services.registry.rules.division import DivisionLevel, is_division_code, level_of, significant


class Desk(Protocol):
    """Who acts and when: all that a decision needs of a unit of work before anything is written."""

    @property
    def principal(self) -> Principal:
        """The caller."""
        ...

    @property
    def today(self) -> date:
        """The law's today."""
        ...

    @property
    def now(self) -> datetime:
        """The system's instant."""
        ...


_LEVELS_OF_RESIDENCE = frozenset({DivisionLevel.COUNTY, DivisionLevel.TOWNSHIP, DivisionLevel.VILLAGE})


def require_own_division(desk: Desk, code: str, pointer: str) -> None:
    """The code names a county, township or village within the client's own division.

    Raises `DomainError('invalid-request')` for a code that names no such place, `('division-out-of-scope')` for one elsewhere.
    """
    if not is_division_code(code) or level_of(code) not in _LEVELS_OF_RESIDENCE:
        zh, en = "应为县、乡镇或村（社区）的行政区划代码", "the code of a county, township or village is expected"
        raise DomainError("invalid-request", errors=[FieldError(pointer, "division_code_malformed", zh, en, "C-20")])
    if not is_own_division(desk, code):
        raise division_out_of_scope(pointer)


def listed_prefix(desk: Desk, division_code: str | None) -> str:
    """Which divisions a list goes through: those below the one asked for by `?division_code`, or all of the client's own.

    Raises as `require_own_division`.
    """
    if division_code is None:
        return desk.principal.division_prefix
    require_own_division(desk, division_code, "?division_code")
    return significant(division_code)


def is_own_division(desk: Desk, code: str) -> bool:
    """Whether a division lies within the client's own."""
    return significant(code).startswith(desk.principal.division_prefix)


def is_same_town(one: str, other: str) -> bool:
    """Whether two codes may name the same township: equal as far as both go, down to the township."""
    first, second = significant(one)[:9], significant(other)[:9]
    return first.startswith(second) or second.startswith(first)
