"""Dated values of a rule: TOML files beside the code, each value with the day it takes effect, its source and how sure we
are of it.

A value is never overwritten: a change of law is one more entry with a later `valid_from`. A `History` answers "what was in
force on that day"; a `Register` is a list whose rows come and go. Everything is checked on load, and a message names file,
parameter and entry.

One parameter, as an official reads it:

    [term_days_max]
    meaning_zh = "办结期限"
    meaning_en = "days until the decision"
    unit = "days"
    [[term_days_max.values]]
    value = 15                    # or: not_set = true
    valid_from = 2016-07-01
    source = "Decree, Art 9"
    confidence = "S"

A register has `rows` in place of `values`. What all entries share (`valid_from`, `source`, `confidence`, `rule`, `note`)
may stand once in the header. A key that nobody reads is an error, so a misspelt parameter cannot be silently ignored.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class ParameterError(Exception):
    """A parameter file that cannot be used; the message says where and what was expected."""


class NotInForceError(LookupError):
    """No value of the parameter was in force on the day asked. A request that meets it is answered `law-not-held`."""

    def __init__(self, parameter: str, day: date) -> None:
        super().__init__(f"parameter {parameter} has no value in force on {day.isoformat()}")
        self.parameter = parameter
        self.day = day


class Confidence(StrEnum):
    """How sure we are of a value."""

    TEXT_SEEN = "S"
    SECONDARY = "S2"
    DERIVED = "D"
    GENERAL_HIGH = "G-high"
    GENERAL_LOW = "G-low"
    DESIGN = "design"

    @property
    def is_visible_default(self) -> bool:
        """Whether the value is our default, which the city is expected to confirm or replace."""
        return self in {Confidence.GENERAL_LOW, Confidence.DESIGN}


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value and its validity: `valid_from` inclusive (`None`, in a register only: since before our data), `valid_until`
    exclusive.
    """

    value: T
    valid_from: date | None
    valid_until: date | None
    source: str
    confidence: Confidence
    rule: str = ""
    note: str = ""

    def is_in_force(self, day: date) -> bool:
        """Whether the value holds on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class History(Generic[T]):
    """The values of one parameter over time: oldest first, never overlapping; there may be a time without any."""

    name: str
    entries: tuple[Dated[T], ...]

    def on(self, day: date) -> T:
        """The value in force on that day. Raises NotInForceError."""
        return self.entry_on(day).value

    def entry_on(self, day: date) -> Dated[T]:
        """The value with its validity and source. Raises NotInForceError."""
        for entry in reversed(self.entries):
            if entry.is_in_force(day):
                return entry
        raise NotInForceError(self.name, day)

    @classmethod
    def constant(cls, value: T, name: str = "supposed") -> "History[T]":
        """One value for all time: for asking a rule "and if it were …?"."""
        return cls(name, (Dated(value, date.min, None, "supposition", Confidence.DESIGN),))


@dataclass(frozen=True, slots=True)
class Register(Generic[T]):
    """Rows, each with its own validity; several may be in force at once."""

    name: str
    rows: tuple[Dated[T], ...]

    def on(self, day: date) -> tuple[T, ...]:
        """The rows in force on that day, in the order of the file."""
        return tuple(row.value for row in self.rows if row.is_in_force(day))


class Fields:
    """The keys of one TOML table, taken one by one with their type; what is left over at the end is an error."""

    def __init__(self, where: str, table: Mapping[str, object]) -> None:
        self.where = where
        self._left = dict(table)

    def has(self, name: str) -> bool:
        """Whether the key is there and not yet taken."""
        return name in self._left

    def take(self, name: str, read: Callable[[object], T]) -> T:
        """A key that must be there, read by `read`, which raises ValueError or TypeError with what it expected."""
        if name not in self._left:
            raise ParameterError(f"{self.where}: '{name}' is missing")
        try:
            return read(self._left.pop(name))
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{self.where}: '{name}' must be {error}") from None

    def take_optional(self, name: str, read: Callable[[object], T]) -> T | None:
        """A key that may be absent."""
        return self.take(name, read) if name in self._left else None

    def peek(self, name: str, read: Callable[[object], T]) -> T:
        """A key that must be there and stays: a row may need its own `rule` or `source` in its value."""
        raw = self._left.get(name)
        value = self.take(name, read)
        self._left[name] = raw
        return value

    def finish(self) -> None:
        """Refuse keys nobody took."""
        if self._left:
            raise ParameterError(f"{self.where}: unknown {', '.join(repr(name) for name in sorted(self._left))}")


def text(raw: object) -> str:
    """A text that is not blank."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("a text that is not blank")
    return raw


def flag(raw: object) -> bool:
    """true or false."""
    if not isinstance(raw, bool):
        raise TypeError("true or false")
    return raw


def day(raw: object) -> date:
    """A calendar day, e.g. `2016-07-01`; not an instant."""
    if not isinstance(raw, date) or isinstance(raw, datetime):
        raise TypeError("a date such as 2016-07-01")
    return raw


def whole_number(at_least: int, at_most: int) -> Callable[[object], int]:
    """A whole number within bounds, both inclusive; every parameter has bounds that catch a slipped digit."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not at_least <= raw <= at_most:
            raise ValueError(f"a whole number from {at_least} to {at_most}")
        return raw

    return read


def one_of(choices: type[E]) -> Callable[[object], E]:
    """A member of an enumeration, by its value."""

    def read(raw: object) -> E:
        try:
            return choices(raw)
        except ValueError:
            raise ValueError("one of " + ", ".join(str(choice.value) for choice in choices)) from None

    return read


def list_of(read_item: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """A list, possibly empty, without repetitions."""

    def read(raw: object) -> tuple[T, ...]:
        if not isinstance(raw, list):
            raise TypeError("a list")
        items = tuple(read_item(item) for item in raw)
        if any(item in items[:position] for position, item in enumerate(items)):
            raise ValueError("a list without repetitions")
        return items

    return read


_HEADER_TEXTS = ("meaning_zh", "meaning_en", "unit", "standard", "edition")
_SHARED = ("valid_from", "valid_until", "source", "confidence", "rule", "note")


class Document:
    """One parameter file. The rule that owns it reads each parameter by name and type, and at the end calls `finish`."""

    def __init__(self, name: str, tables: Mapping[str, object]) -> None:
        self.name = name
        self._tables = Fields(name, tables)

    @classmethod
    def parse(cls, name: str, content: str) -> "Document":
        """A document from TOML text. Raises ParameterError."""
        try:
            return cls(name, tomllib.loads(content))
        except tomllib.TOMLDecodeError as error:
            raise ParameterError(f"{name}: not TOML: {error}") from None

    def history(self, name: str, read: Callable[[object], T]) -> History[T]:
        """The values of a parameter that always has one while it is in force."""
        return History(name, self._values(name, lambda entry: entry.take("value", read)))

    def optional_history(self, name: str, read: Callable[[object], T]) -> History[T | None]:
        """The values of a parameter that may be known to be not set: an entry with `not_set = true` instead of a value."""

        def read_entry(entry: Fields) -> T | None:
            if entry.has("value") == entry.has("not_set"):
                raise ParameterError(f"{entry.where}: give either 'value' or 'not_set = true'")
            if entry.has("not_set"):
                if not entry.take("not_set", flag):
                    raise ParameterError(f"{entry.where}: 'not_set' can only be true; give a 'value' instead")
                return None
            return entry.take("value", read)

        return History(name, self._values(name, read_entry))

    def register(self, name: str, read: Callable[[Fields], T]) -> Register[T]:
        """The rows of a register; `read` takes the keys that make up a row."""
        return Register(name, tuple(self._entries(name, "rows", read)))

    def value(self, name: str, read: Callable[[object], T]) -> T:
        """A plain top-level value that is no law and has no date, such as a title or the edition of a snapshot."""
        return self._tables.take(name, read)

    def finish(self) -> None:
        """Refuse parameters nobody read."""
        self._tables.finish()

    def _values(self, name: str, read: Callable[[Fields], T]) -> tuple[Dated[T], ...]:
        entries = tuple(self._entries(name, "values", read))
        for number, entry in enumerate(entries, start=1):
            if entry.valid_from is None:
                raise ParameterError(f"{self.name}, {name}, entry {number}: 'valid_from' is missing")
            earlier = entries[number - 2] if number > 1 else None
            if earlier is None or earlier.valid_from is None:
                continue
            if entry.valid_from <= earlier.valid_from or (
                earlier.valid_until is not None and earlier.valid_until > entry.valid_from
            ):
                raise ParameterError(
                    f"{self.name}, {name}, entry {number}: must begin after the entry before it, without overlap"
                )
        return entries

    def _entries(self, name: str, kind: str, read: Callable[[Fields], T]) -> Iterator[Dated[T]]:
        where = f"{self.name}, {name}"
        header = Fields(where, self._tables.take(name, _table))
        for key in _HEADER_TEXTS:
            header.take_optional(key, text)
        raw_entries = header.take(kind, _tables)
        shared = {key: header.take(key, _anything) for key in _SHARED if header.has(key)}
        header.finish()
        for number, raw in enumerate(raw_entries, start=1):
            yield _read_entry(Fields(f"{where}, entry {number}", {**shared, **raw}), read)


def read_folder(folder: Path) -> dict[str, Document]:
    """Every `*.toml` of a folder by its name without the suffix. Raises ParameterError when a file is no TOML, OSError when
    unreadable.
    """
    return {path.stem: Document.parse(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}


def _read_entry(entry: Fields, read: Callable[[Fields], T]) -> Dated[T]:
    value = read(entry)
    valid_from = entry.take_optional("valid_from", day)
    valid_until = entry.take_optional("valid_until", day)
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise ParameterError(f"{entry.where}: 'valid_until' must be later than 'valid_from'")
    source = entry.take("source", text)
    confidence = entry.take("confidence", one_of(Confidence))
    rule = entry.take_optional("rule", text) or ""
    note = entry.take_optional("note", text) or ""
    entry.finish()
    return Dated(value, valid_from, valid_until, source, confidence, rule, note)


def _table(raw: object) -> Mapping[str, object]:
    if not isinstance(raw, dict):
        raise TypeError("a table")
    return raw


def _tables(raw: object) -> list[Mapping[str, object]]:
    if not isinstance(raw, list) or not raw or not all(isinstance(item, dict) for item in raw):
        raise ValueError("a list of one or more tables")
    return raw


def _anything(raw: object) -> object:
    return raw
