"""Why a file is not taken; every text names the reason, none quotes the file."""

from collections.abc import Sequence

from services.chassis.errors import DomainError, FieldError


def unknown_type(taken: Sequence[str]) -> DomainError:
    """By its content the file is none of the kinds that are taken."""
    return DomainError(
        "attachment-type",
        detail_zh="按内容判断，文件不属于可接收的类型。",
        detail_en="By its content the file is none of the kinds that are taken.",
        extra={"taken": list(taken)},
    )


def refused(reason: str, zh: str, en: str) -> DomainError:
    """The kind is taken, this file is not; `reason` is a stable code. The pointer is that of the whole body."""
    return DomainError("attachment-refused", errors=[FieldError("", reason, zh, en)])


def broken(zh: str, en: str) -> DomainError:
    """The file is not a whole and proper file of its kind."""
    return refused("broken", zh, en)
