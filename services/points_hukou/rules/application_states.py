"""The way of an application (积分申请): received, scored by the machine, confirmed by an officer; rechecked on request.

What the machine alone decided the applicant may refuse (PIPL 24; V-28): then an officer decides. Nothing is ever
scored anew but by asking for a recheck, or by applying again (P-37).
"""

from collections.abc import Mapping
from enum import StrEnum


class ApplicationStatus(StrEnum):
    """Where an application stands."""

    RECEIVED = "received"
    SCORED = "scored"
    IN_RECHECK = "in_recheck"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class ApplicationAct(StrEnum):
    """What is done with it."""

    SCORE = "score"
    CONFIRM = "confirm"
    REFUSE_AUTOMATIC = "refuse_automatic"
    ASK_RECHECK = "ask_recheck"
    RECHECK = "recheck"
    WITHDRAW = "withdraw"


OPEN = frozenset({ApplicationStatus.RECEIVED, ApplicationStatus.SCORED, ApplicationStatus.IN_RECHECK})
"""While it is one of these, the family does not apply for the same again."""
WAITING = frozenset({ApplicationStatus.RECEIVED, ApplicationStatus.IN_RECHECK})
"""While it is one of these, a term of the office runs."""

TRANSITIONS: Mapping[tuple[ApplicationStatus, ApplicationAct], ApplicationStatus] = {
    (ApplicationStatus.RECEIVED, ApplicationAct.SCORE): ApplicationStatus.SCORED,
    (ApplicationStatus.SCORED, ApplicationAct.CONFIRM): ApplicationStatus.CONFIRMED,
    (ApplicationStatus.SCORED, ApplicationAct.REFUSE_AUTOMATIC): ApplicationStatus.IN_RECHECK,
    (ApplicationStatus.SCORED, ApplicationAct.ASK_RECHECK): ApplicationStatus.IN_RECHECK,
    (ApplicationStatus.CONFIRMED, ApplicationAct.ASK_RECHECK): ApplicationStatus.IN_RECHECK,
    (ApplicationStatus.IN_RECHECK, ApplicationAct.RECHECK): ApplicationStatus.CONFIRMED,
    (ApplicationStatus.RECEIVED, ApplicationAct.WITHDRAW): ApplicationStatus.WITHDRAWN,
    (ApplicationStatus.SCORED, ApplicationAct.WITHDRAW): ApplicationStatus.WITHDRAWN,
    (ApplicationStatus.IN_RECHECK, ApplicationAct.WITHDRAW): ApplicationStatus.WITHDRAWN,
    (ApplicationStatus.CONFIRMED, ApplicationAct.WITHDRAW): ApplicationStatus.WITHDRAWN,
}
"""What may follow; anything else is refused."""
