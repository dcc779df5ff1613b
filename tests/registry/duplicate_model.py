"""How two records agree, written naively over what they say; the service compares digests (`likeness_code` in the database)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from services.registry.rules.duplicates import BirthLikeness, Likeness, NameLikeness, TextLikeness
from services.registry.rules.person_name import name_key
from services.registry.store.search_keys import PINYIN


@dataclass(frozen=True)
class Told:
    """What one record says of who somebody is."""

    name: str
    born: date
    sex: str
    home: str | None
    phone: str | None
    number: bool

    @classmethod
    def of(cls, case: dict[str, Any]) -> "Told":
        """From a case file."""
        return cls(case["name"], case["born"], case["sex"], case.get("home"), case.get("phone"), case["number"])


def likeness_of(one: Told, other: Told) -> Likeness:
    """The way the two agree."""
    return Likeness(
        name=_names(one.name, other.name),
        birth_date=_births(one.born, other.born),
        is_same_sex=one.sex == other.sex,
        home=_texts(one.home and one.home[:6], other.home and other.home[:6]),
        phone=_texts(one.phone, other.phone),
        has_two_numbers=one.number and other.number,
    )


def _names(one: str, other: str) -> NameLikeness:
    if name_key(one) == name_key(other):
        return NameLikeness.SAME
    sounds, others = PINYIN.syllables(one), PINYIN.syllables(other)
    if "".join(sounds) == "".join(others):
        return NameLikeness.SAME_SOUND
    if [sound[0] for sound in sounds] == [sound[0] for sound in others]:
        return NameLikeness.SAME_INITIALS
    return NameLikeness.DIFFERENT


def _births(one: date, other: date) -> BirthLikeness:
    if one == other:
        return BirthLikeness.SAME
    agreeing = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    is_swapped = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    return BirthLikeness.NEAR if agreeing == 2 or is_swapped else BirthLikeness.DIFFERENT


def _texts(one: str | None, other: str | None) -> TextLikeness:
    if one is None or other is None:
        return TextLikeness.UNKNOWN
    return TextLikeness.SAME if one == other else TextLikeness.DIFFERENT
