"""Which column of a file is which field."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from services.chassis.long_work.course import ActFailedError
from services.registry.schemas.roster_columns import COLUMNS, NEEDED, NOTES, RosterKind, header_key, known_headers


@dataclass(frozen=True, slots=True)
class Layout:
    """The header of one file. `places`: field → column; `headers` are the file's own, those of the notes left out."""

    headers: tuple[str, ...]
    places: Mapping[str, int]
    kept: tuple[int, ...]
    columns_of: Mapping[str, str]

    @classmethod
    def of(cls, kind: RosterKind, headers: Sequence[str], mapping: Mapping[str, str]) -> Self:
        """The layout of a file of that kind.

        Raises `ActFailedError('import-columns')` when a needed column is missing or one is there twice.
        """
        known = known_headers(kind)
        named = {header_key(header): field for header, field in mapping.items()}
        fields = {column.field for column in COLUMNS[kind]}
        notes = {column.field for column in NOTES}
        places: dict[str, int] = {}
        kept = []
        for place, header in enumerate(headers):
            key = header_key(header)
            column = known.get(key)
            field = named.get(key) or (column.field if column else None)
            if field in notes:
                continue
            kept.append(place)
            if field is None:
                continue
            if field in places or field not in fields:
                raise ActFailedError("import-columns")
            places[field] = place
        if not places.keys() >= NEEDED:
            raise ActFailedError("import-columns")
        columns_of = {
            pointer: headers[places[column.field]]
            for column in COLUMNS[kind]
            if column.field in places
            for pointer in column.pointers
        }
        return cls(tuple(headers), places, tuple(kept), columns_of)

    def fields(self, cells: Sequence[str]) -> defaultdict[str, str]:
        """A row's cells by field, trimmed, without the mark that makes one text in a spreadsheet; empty where there is none."""
        count = len(cells)
        found = {name: cells[place].strip().removeprefix("'") for name, place in self.places.items() if place < count}
        return defaultdict(str, found)
