"""The rates once more, as small as can be, written from residence.md §8 and indicators.md §3 alone."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """What a coordinator saw, and what the register said that day."""

    outcome: str
    was_registered: bool
    data_matches: bool = False

    @property
    def was_met(self) -> bool:
        """Somebody was met, or a let home was there."""
        return self.outcome not in {"not_found", "moved"}


def counts(rate: str, visits: Iterable[Seen]) -> tuple[int, int]:
    """Numerator and denominator."""
    seen = list(visits)
    if rate == "information_registration":  # persons found who hold a current registration ÷ persons found
        met = [visit for visit in seen if visit.was_met]
        return sum(visit.was_registered and visit.outcome != "found_not_registered" for visit in met), len(met)
    if rate == "rental_registration":  # let dwellings registered ÷ let dwellings found
        met = [visit for visit in seen if visit.was_met]
        return sum(visit.was_registered and visit.outcome != "found_not_registered" for visit in met), len(met)
    assert rate == "person_home_consistency"  # found at the registered address with matching data ÷ sampled registered persons
    sampled = [visit for visit in seen if visit.was_registered and visit.outcome != "found_not_registered"]
    return sum(visit.outcome == "found" and visit.data_matches for visit in sampled), len(sampled)
