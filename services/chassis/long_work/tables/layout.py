"""Which column of a file is which field."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from services.chassis.errors import FieldError
from services.chassis.long_work.course import ActFailedError
from services.chassis.long_work.tables.columns import NOTES, Column, header_key, known_headers


@dataclass(frozen=True, slots=True)
class Layout:
    """The header of one file. `places`: field → column; `headers` are the file's own, those of the notes left out."""

    headers: tuple[str, ...]
    places: Mapping[str, int]
    kept: tuple[int, ...]
    columns_of: Mapping[str, str]

    @classmethod
    def of(cls, columns_known: Sequence[Column], headers: Sequence[str], mapping: Mapping[str, str]) -> Self:
        """The layout of a file that may have these columns.

        Raises `ActFailedError('import-columns')`, naming every needed column that is missing and every one that is there twice.
        """
        known = known_headers(columns_known)
        named = {header_key(header): field for header, field in mapping.items()}
        columns = {column.field: column for column in columns_known}
        notes = {column.field for column in NOTES}
        places: dict[str, int] = {}
        kept, wrong = [], []
        for place, header in enumerate(headers):
            key = header_key(header)
            column = known.get(key)
            field = named.get(key) or (column.field if column else None)
            if field in notes:
                continue
            kept.append(place)
            if field is None:
                continue
            if field not in columns:
                wrong.append(_NO_SUCH_FIELD)
            elif field in places:
                wrong.append(_twice(columns[field]))
            else:
                places[field] = place
        wrong += [_missing(column) for column in columns_known if column.needed_by and column.field not in places]
        if wrong:
            raise ActFailedError("import-columns", wrong)
        columns_of = {
            pointer: headers[places[column.field]]
            for column in columns_known
            if column.field in places
            for pointer in column.pointers
        }
        return cls(tuple(headers), places, tuple(kept), columns_of)

    def fields(self, cells: Sequence[str]) -> defaultdict[str, str]:
        """A row's cells by field, trimmed, without the mark that makes one text in a spreadsheet; empty where there is none."""
        count = len(cells)
        found = {name: cells[place].strip().removeprefix("'") for name, place in self.places.items() if place < count}
        return defaultdict(str, found)


_NO_SUCH_FIELD = FieldError("/mapping", "no_such_field", "对照表指向不存在的字段", "the mapping names no field there is")


def _missing(column: Column) -> FieldError:
    zh, en = f"缺少必需的列“{column.zh[0]}”", f"the column {column.en[0]} ({column.zh[0]}) is needed and missing"
    return FieldError(column.pointers[0], "column_missing", zh, en, column.needed_by)


def _twice(column: Column) -> FieldError:
    zh, en = f"列“{column.zh[0]}”出现两次", f"the column {column.en[0]} ({column.zh[0]}) is there twice"
    return FieldError(column.pointers[0], "column_twice", zh, en)
