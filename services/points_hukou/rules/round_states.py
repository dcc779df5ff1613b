"""The way of a round (轮次): open until its freeze day, ranked, published for objections, finished."""

from collections.abc import Mapping
from enum import StrEnum


class RoundStatus(StrEnum):
    """Where a round stands."""

    OPEN = "open"
    RANKED = "ranked"
    PUBLISHED = "published"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class RoundAct(StrEnum):
    """What an officer does with it."""

    RANK = "rank"
    PUBLISH = "publish"
    OBJECT = "object"
    ANSWER = "answer"
    FINISH = "finish"
    GIVE_UP = "give_up"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[RoundStatus, RoundAct], RoundStatus] = {
    (RoundStatus.OPEN, RoundAct.RANK): RoundStatus.RANKED,
    (RoundStatus.RANKED, RoundAct.RANK): RoundStatus.RANKED,
    (RoundStatus.PUBLISHED, RoundAct.RANK): RoundStatus.RANKED,
    (RoundStatus.RANKED, RoundAct.PUBLISH): RoundStatus.PUBLISHED,
    (RoundStatus.RANKED, RoundAct.ANSWER): RoundStatus.RANKED,
    (RoundStatus.PUBLISHED, RoundAct.OBJECT): RoundStatus.PUBLISHED,
    (RoundStatus.PUBLISHED, RoundAct.ANSWER): RoundStatus.PUBLISHED,
    (RoundStatus.PUBLISHED, RoundAct.FINISH): RoundStatus.FINISHED,
    (RoundStatus.FINISHED, RoundAct.GIVE_UP): RoundStatus.FINISHED,
    (RoundStatus.OPEN, RoundAct.CANCEL): RoundStatus.CANCELLED,
    (RoundStatus.RANKED, RoundAct.CANCEL): RoundStatus.CANCELLED,
}
"""What may follow. What was published is ranked again only after an objection was upheld, and published anew; other objections
to it are answered meanwhile, for nobody waits longer because somebody else was right."""
