"""A pass over everybody a client sees: who shares a key is compared, part by part, each a transaction of long work.

A part is one key and a slice of its digests, which are spread evenly, so parts are alike in size whatever people are called. No
name is opened: digests and dates tell the way two records agree, and the rule was asked beforehand what each way counts.
"""

from functools import partial
from typing import Any

from services.chassis.long_work.asking import ask
from services.chassis.long_work.course import Course, Part
from services.chassis.long_work.views import OperationView
from services.chassis.work import Work
from services.registry.actions.duplicate_finding import measure_on
from services.registry.store.duplicates import SharedKey, compare_sharing

KIND = "duplicates.pass"
SLICES = 16
"""Of each key: some sixty thousand persons at a time in a city of a million."""

_FIRST_DIGEST = -(2**63)
_SLICE = 2**64 // SLICES
_PARTS = [(key, place) for key in SharedKey for place in range(SLICES)]


async def request_pass(work: Work) -> OperationView:
    """Have everybody in sight compared, in the name of the caller."""
    return await ask(work, KIND, {})


async def pass_over(course: Course) -> None:
    """Go on with the part the last worker stopped at."""
    await course.tell_total(len(_PARTS))
    for key, place in _PARTS[course.parts_done :]:
        await course.part(partial(_compare, key=key, place=place))


def slice_of(place: int) -> tuple[int, int]:
    """The first and the last digest of a slice."""
    first = _FIRST_DIGEST + place * _SLICE
    return first, first + _SLICE - 1


async def _compare(work: Work, *, key: SharedKey, place: int) -> Part:
    told = await compare_sharing(work, key, *slice_of(place), measure_on(work.today))
    counts: dict[str, Any] = {
        "pairs_compared": told["compared"],
        "found": told["made"],
        "groups_passed_over": told["passed_over"],
    }
    return Part(1, counts)


ACTS = {KIND: pass_over}
