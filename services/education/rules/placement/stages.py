"""In which order the places of an offer are filled.

First each reserve for its own group, then the open places for everybody, then what reserves have left, reserve by reserve, for
whom it returns to. At every step those who stand first take what is left. Since who is refused stays refused when others
join, and nothing that was open closes when somebody leaves, deferred acceptance with such steps is stable and leaves nobody a
reason to hide a wish (sequential reserves; decision 0036).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.education.rules.placement.problem import EVERYBODY, Offer

OPEN = "open"
"""The kind of places that are reserved for nobody."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: places of a kind (`open`, or the group they are reserved for) for one group or `EVERYBODY`."""

    kind: str
    group: str

    @property
    def is_returned(self) -> bool:
        """Whether it gives what the group it was kept for did not use."""
        return self.kind not in {OPEN, self.group}


def stages_in(offer: Offer) -> tuple[Stage, ...]:
    """The steps of one offer, in order."""
    own = [Stage(each.group, each.group) for each in offer.reserves]
    returned = [Stage(each.group, to) for each in offer.reserves for to in each.returns_to]
    return *own, Stage(OPEN, EVERYBODY), *returned


def places_of(offer: Offer) -> dict[str, int]:
    """How many places of each kind."""
    reserved = {each.group: each.places for each in offer.reserves}
    return {OPEN: offer.places - sum(reserved.values()), **reserved}


@dataclass(frozen=True, slots=True)
class Stages:
    """The same for all offers at once, steps down, offers across: `kind` (number of the kind, -1: no such step) and `group`
    (its bit, 0: everybody); `places` by offer and kind.
    """

    of_offer: tuple[tuple[Stage, ...], ...]
    kind: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


def stages_of(offers: Sequence[Offer], bits: Mapping[str, int]) -> Stages:
    """The steps of all offers; `bits` of the groups."""
    of_offer = tuple(stages_in(each) for each in offers)
    steps = max(map(len, of_offer), default=1)
    kind, group = np.full((steps, len(offers)), -1, np.int64), np.zeros((steps, len(offers)), np.int64)
    kinds = [places_of(each) for each in offers]
    places = np.zeros((len(offers), max(map(len, kinds), default=1)), np.int64)
    for at, (stages, by_kind) in enumerate(zip(of_offer, kinds, strict=True)):
        number = {name: place for place, name in enumerate(by_kind)}
        places[at, : len(by_kind)] = list(by_kind.values())
        for step, stage in enumerate(stages):
            kind[step, at] = number[stage.kind]
            group[step, at] = bits.get(stage.group, 0)
    return Stages(of_offer, kind, group, places)
