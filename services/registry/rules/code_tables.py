"""National code tables (C-28, C-29): sex, ethnic group, education. Known codes only; an unknown one is never guessed at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Dated, Document, Fields, ParameterError, Register, text


class CodeTable(StrEnum):
    """The tables held."""

    SEX = "sex"
    """GB/T 2261.1"""
    ETHNICITY = "ethnicity"
    """GB/T 3304"""
    EDUCATION = "education"
    """GB/T 4658"""


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a table."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class CodeTables:
    """All tables; each row carries its standard and edition as its source."""

    tables: Mapping[CodeTable, Register[Code]]
    _rows: Mapping[CodeTable, Mapping[str, list[Dated[Code]]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The rows of each table by code."""
        found: dict[CodeTable, dict[str, list[Dated[Code]]]] = {table: {} for table in self.tables}
        for table, register in self.tables.items():
            for row in register.rows:
                found[table].setdefault(row.value.code, []).append(row)
        object.__setattr__(self, "_rows", found)

    def is_known(self, table: CodeTable, code: str, on: date | None = None) -> bool:
        """Whether the table has the code (on that day, when one is given)."""
        return any(on is None or row.is_in_force(on) for row in self._rows[table].get(code, ()))

    def name_zh(self, table: CodeTable, code: str) -> str | None:
        """The Chinese name, `None` for an unknown code."""
        return next((row.value.name_zh for row in self.tables[table].rows if row.value.code == code), None)


def read_code_tables(document: Document) -> CodeTables:
    """The tables in `code_tables.toml`. Raises ParameterError, also when a table lists a code twice."""
    tables = {table: document.register(table.value, _read_code) for table in CodeTable}
    document.finish()
    for table, register in tables.items():
        codes = [row.value.code for row in register.rows]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise ParameterError(f"{document.name}, {table.value}: listed twice: {', '.join(twice)}")
    return CodeTables(tables)


def _read_code(fields: Fields) -> Code:
    return Code(code=fields.take("code", text), name_zh=fields.take("zh", text), name_en=fields.take("en", text))
