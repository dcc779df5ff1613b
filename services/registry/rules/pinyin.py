"""Names as they are spelled in pinyin: for finding a name again, never for telling who somebody is (C-37).

Without tones, `v` for ü, one usual reading per character, and the readings that some characters have only as surnames. A
character without a reading and everything that is no Han character stands for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.registry.rules.person_name import is_han, name_key

_SURNAME = "surname"
_SURNAME_CODE_POINTS_MAX = 2


@dataclass(frozen=True, slots=True)
class Pinyin:
    """Readings of characters, and those of surnames that are read otherwise."""

    readings: Mapping[str, str]
    surnames: Mapping[str, tuple[str, ...]]

    def syllables(self, name: str) -> tuple[str, ...]:
        """The reading of a name; runs of other letters, as in a foreign name, are one syllable each."""
        text = name_key(name)
        surname = next(
            (text[:length] for length in range(_SURNAME_CODE_POINTS_MAX, 0, -1) if text[:length] in self.surnames), ""
        )
        read = list(self.surnames.get(surname, ()))
        is_in_run = False
        for char in text[len(surname) :]:
            reading = self.readings.get(char)  # of Han characters only
            is_letter = reading is None and not is_han(char)
            if is_letter and is_in_run:
                read[-1] += char
            else:
                read.append(reading or char)
            is_in_run = is_letter
        return tuple(read)


def read_pinyin(table: str) -> Pinyin:
    """Read the table that ships with the code: `reading<TAB>characters`, then `surname<TAB>characters<TAB>reading`."""
    readings: dict[str, str] = {}
    surnames: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        first, *rest = line.split("\t")
        if first == _SURNAME:
            characters, reading = rest
            surnames[characters] = tuple(reading.split())
        else:
            readings |= dict.fromkeys(rest[0], first)
    return Pinyin(readings, surnames)


def spelled(text: str) -> str:
    """What somebody typed as pinyin: letters only, in lower case, `v` for ü."""
    folded = text.casefold().replace("u\u0308", "v").replace("ü", "v")
    return "".join(char for char in folded if char.isalnum())
