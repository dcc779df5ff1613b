"""Under which texts a person is found again, and which persons may be one human: each is kept as a keyed digest only.

Two kinds: for searching – beginnings of the name, its pinyin and the initials of that – and for comparing – what two records
of one human share although they differ elsewhere (blocks).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.registry.rules.person_name import name_key
from services.registry.rules.pinyin import Pinyin

PREFIX_CODE_POINTS = (2, 3)
"""Lengths of the beginnings of names that are kept. One character is half the city's surnames and selects nothing."""

_HOME_DIGITS = 6


class SearchKey(StrEnum):
    """What a text is; names the column that keeps its digest."""

    NAME_PREFIX_2 = "name_prefix_2"
    NAME_PREFIX_3 = "name_prefix_3"
    PINYIN = "pinyin"
    INITIALS = "initials"
    PHONE = "phone"
    INITIALS_AND_BIRTH = "initials_and_birth"
    NAME_AND_HOME = "name_and_home"


@dataclass(frozen=True, slots=True)
class Described:
    """What a person is found by."""

    name: str
    phone: str | None
    birth_date: date
    hukou_division_code: str | None


def search_texts(person: Described, pinyin: Pinyin) -> Mapping[SearchKey, str | None]:
    """The text of every key; `None` where the person has none."""
    name = name_key(person.name)
    syllables = pinyin.syllables(person.name)
    initials = "".join(syllable[0] for syllable in syllables)
    home = person.hukou_division_code
    return {
        SearchKey.NAME_PREFIX_2: name[:2],
        SearchKey.NAME_PREFIX_3: name[:3] if len(name) >= PREFIX_CODE_POINTS[-1] else None,
        SearchKey.PINYIN: "".join(syllables),
        SearchKey.INITIALS: initials,
        SearchKey.PHONE: person.phone,
        SearchKey.INITIALS_AND_BIRTH: f"{initials}|{person.birth_date.isoformat()}",
        SearchKey.NAME_AND_HOME: None if home is None else f"{name}|{home[:_HOME_DIGITS]}",
    }
