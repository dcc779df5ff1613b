"""Why a command cannot be carried out, where several actions say the same."""

from collections.abc import Iterable, Sequence

from services.chassis.errors import DomainError, FieldError
from services.chassis.principal import Principal
from services.chassis.two_person import RefusalReason
from services.education.rules.reasons import Reason


def not_found(what: str) -> DomainError:
    """None that this client may know of."""
    return DomainError(f"{what}-not-found")


def invalid(errors: Iterable[FieldError]) -> DomainError:
    """A body that breaks rules; every error at once."""
    return DomainError("invalid-request", errors=list(errors))


def require_own_division(principal: Principal, code: str, pointer: str) -> None:
    """Raises `DomainError('division-out-of-scope')` for a division outside the client's own."""
    if not code.startswith(principal.division_prefix):
        raise DomainError(
            "division-out-of-scope",
            errors=[FieldError(pointer, "out_of_scope", "不在客户端的管辖范围内", "outside the client's own division")],
        )


def told(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """Reasons as a problem document has them."""
    return [reason_view(reason).model_dump() for reason in reasons]


def reason_view(reason: Reason) -> RefusalReason:
    """One reason as answers and stored decisions have it."""
    return RefusalReason(
        code=reason.code,
        article=reason.article,
        rule=reason.rule,
        message_zh=reason.message_zh,
        message_en=reason.message_en,
    )
