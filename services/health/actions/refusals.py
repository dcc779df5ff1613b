"""Why a command cannot be carried out, where several actions say the same."""

from collections.abc import Iterable
from datetime import date

from services.chassis.errors import FieldError


def not_later(pointer: str, day: date, today: date, rule: str) -> Iterable[FieldError]:
    """An error for a day in the future."""
    if day > today:
        yield FieldError(pointer, "in_future", "不得晚于今日", "must not be later than today", rule)
