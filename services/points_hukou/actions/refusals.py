"""Why a command cannot be carried out, where several actions say the same."""

from collections.abc import Sequence

from services.chassis.two_person import RefusalReason
from services.points_hukou.rules.reasons import Reason


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
