"""Pairs who may be one human are found when somebody comes in or changes, behind every door (`rules/duplicates.py`)."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from uuid import UUID

from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.rules.duplicates import scores_by_code
from services.registry.store.duplicates import Measure, compare_persons


async def look_for_duplicates(work: Work, person_ids: Sequence[UUID | str]) -> None:
    """Put the persons beside those who share a key with them; called after their own keys are kept. Who comes in at the same
    moment in another transaction is found by the next pass.
    """
    await compare_persons(work, person_ids, measure_on(work.today))


@lru_cache(maxsize=4)
def measure_on(day: date) -> Measure:
    """By what pairs are found on a day of the law's calendar."""
    parameters = LAW.duplicates
    return Measure(scores_by_code(parameters, day), parameters.block_size_max.on(day), parameters.pairs_per_person_max.on(day))
