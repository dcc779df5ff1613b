"""What a placement is made from: places offered, rules of priority, children with their wishes (education.md §5.3).

No names, no documents: a child is a pseudonym. All of it is whole numbers and words, so it has one spelling and is published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import ConfigDict

_STRICT = ConfigDict(extra="forbid", strict=True)
EVERYBODY = ""
"""In the place of a group: whoever is admissible at all."""


class Source(StrEnum):
    """Where places come from (EDU-13, EDU-15, EDU-52)."""

    PUBLIC = "public"
    BOUGHT = "bought"
    SUBSIDISED = "subsidised"


class Mechanism(StrEnum):
    """How places are given (education.md §5.1). All but the first are for comparison only."""

    DEFERRED_ACCEPTANCE = "deferred_acceptance"
    PARALLEL = "parallel"
    IMMEDIATE_ACCEPTANCE = "immediate_acceptance"


@dataclass(frozen=True, slots=True)
class Reserve:
    """Places of an offer for one group first, with the legal ground of it (education.md §4.5).

    `places` is the cap of the privilege, not of the children: beyond it they compete like everybody. What the group does not
    use goes to `returns_to` in that order; `EVERYBODY` ("") may stand last. Without any it stays empty for a later round.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    group: str
    places: int
    legal_ground: str
    returns_to: tuple[str, ...] = (EVERYBODY,)


@dataclass(frozen=True, slots=True)
class Offer:
    """Places of one school in one grade from one source; what a wish names. Reserves are part of `places`, and their order is
    the order in which they are filled and in which what is left of them is given back.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    school: str
    grade: int
    source: Source
    places: int
    priority: str
    reserves: tuple[Reserve, ...] = ()


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """A class of priority at a school: who has all claims in `needs`. Inside a class points decide, then the tie-breaks, then
    the lottery; where `ranked_by` says so, the lottery alone (EDU-20: an over-subscribed private school).
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    name_zh: str
    name_en: str
    rule: str
    needs: tuple[str, ...] = ()
    ranked_by: Literal["points", "lottery"] = "points"


@dataclass(frozen=True, slots=True)
class TieBreak:
    """What decides between equal points, by a whole number in the named unit (EDU-53). Whose value is not known comes last."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    name_zh: str
    name_en: str
    better: Literal["more", "less"] = "more"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that holds of a child, or of a child at a school, and on which a class or a reserve rests."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    name_zh: str
    name_en: str
    rule: str


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """The rules of one round. `band`: how many wishes are considered before places become final (EDU-81), for `parallel` alone.

    `priorities`: by name, classes in order; a child is in the first whose claims it has, and without any it is not admissible
    there (EDU-05). `wishes_max` 0: lists are not limited. `may_place_unlisted`: a co-ordination round (统筹调剂), in which
    children who accept any school are placed at schools they did not name, after those they did, in order of their ids.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    mechanism: Mechanism
    wishes_max: int
    tie_breaks: tuple[TieBreak, ...]
    claims: tuple[Claim, ...]
    priorities: Mapping[str, tuple[PriorityClass, ...]]
    band: int | None = None
    may_place_unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """An offer a child asks for, with the claims it has there (a sibling at that school, its home in that area)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    offer: str
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """One child. `points` in hundredths (P-32); `ties` in the order of the rules, `None` where not known; `wishes` best first.

    `together`: twins and the like who asked for one school carry the same word; what they are promised is in decision 0036.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    grade: int
    points: int
    ties: tuple[int | None, ...]
    wishes: tuple[Wish, ...]
    claims: tuple[str, ...] = ()
    together: str | None = None
    accepts_any: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """All a placement is made from, but for the draw (`lottery.py`)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    round: str
    rules: PlacementRules
    offers: tuple[Offer, ...]
    children: tuple[Child, ...]


def class_of(classes: tuple[PriorityClass, ...], claims: frozenset[str]) -> int | None:
    """The place of the first class whose claims a child has; `None` where it is not admissible."""
    return next((place for place, each in enumerate(classes) if claims.issuperset(each.needs)), None)


def written_points(hundredths: int) -> str:
    """`9713` is `97.13`."""
    sign = "-" if hundredths < 0 else ""
    whole, part = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{part:02d}"
