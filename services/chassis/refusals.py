"""Why a command cannot be carried out, where the actions of every service say the same."""

from collections.abc import Iterable

from services.chassis.errors import DomainError, FieldError
from services.chassis.principal import Principal


def not_found(what: str) -> DomainError:
    """`person`, `registration`, …: none that this client may know of."""
    return DomainError(f"{what}-not-found")


def invalid(errors: Iterable[FieldError]) -> DomainError:
    """A body that breaks rules; every error at once."""
    return DomainError("invalid-request", errors=list(errors))


def division_out_of_scope(pointer: str) -> DomainError:
    """The division named lies outside the client's own."""
    return DomainError(
        "division-out-of-scope",
        errors=[FieldError(pointer, "out_of_scope", "不在客户端的管辖范围内", "outside the client's own division")],
    )


def require_own_division(principal: Principal, code: str, pointer: str) -> None:
    """Raises `DomainError('division-out-of-scope')` for a division outside the client's own."""
    if not code.startswith(principal.division_prefix):
        raise division_out_of_scope(pointer)
