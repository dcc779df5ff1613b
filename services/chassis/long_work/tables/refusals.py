"""Why a row of a table was not taken: the models of the single door, its rules, or a cell that nobody understands."""

from collections.abc import Sequence

from pydantic import ValidationError

from services.chassis.errors import DomainError, FieldError
from services.chassis.parsing import body_errors


class NotUnderstoodError(ValueError):
    """A cell that cannot be read; tells why at the field's pointer."""

    def __init__(self, pointer: str, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.error = FieldError(pointer, code, zh, en)


NOT_TAKEN = (ValidationError, DomainError, NotUnderstoodError)
"""What a row may be refused by."""


def reasons(error: Exception) -> Sequence[FieldError]:
    """Every reason of one of `NOT_TAKEN`."""
    if isinstance(error, ValidationError):
        return body_errors(error)
    if isinstance(error, NotUnderstoodError):
        return [error.error]
    assert isinstance(error, DomainError)
    return errors_of(error)


def errors_of(error: DomainError) -> Sequence[FieldError]:
    """What a command of the single door was refused for, as errors of a row."""
    return error.errors or [FieldError("", error.code, error.detail_zh, error.detail_en)]
