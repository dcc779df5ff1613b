"""What a client may see of a person, field by field (architecture §6; privacy.md §2 and §9).

A service declares the class of every field of its views and events in a `fields.toml` beside its views. A `Sight` – one
client's eyes on one person – decides by class, scopes and age which values are shown and masks the others; nothing else does.

- `plain` is shown to whoever may read the thing at all; `personal` and `sensitive` need the scope of that name.
- Of a child under 14 everything that is not plain is sensitive (PIPL 28, V-10); a field may be raised for all minors.
- Sensitive fields of a minor need one more scope (V-14).

Masks cannot be undone and do not tell how long the value was (V-60). A masked text is never a key.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from services.chassis.schemas import View

CHILD_UNTIL = 14
ADULT_FROM = 18
HIDDEN = "****"
FIELD_EXTENSION = "x-field-class"

Mask = Callable[[Any], Any]
ViewT = TypeVar("ViewT", bound=View)


class FieldClass(StrEnum):
    """How much a field tells of a person (V-10, V-43)."""

    PLAIN = "plain"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Protection(IntEnum):
    """How strictly the law protects a person by age."""

    ADULT = 0
    MINOR = 1
    CHILD = 2


class PersonalView(View):
    """Base of views that show a person's data."""

    masked_fields: list[str] = Field(
        default_factory=list,
        description="Fields that this client does not see, masked or left out whether or not there is a value.",
    )


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The class of one field for each `Protection`, and what is shown in its place."""

    name: str
    classes: tuple[FieldClass, FieldClass, FieldClass]
    mask: Mask


@dataclass(frozen=True, slots=True)
class FieldScopes:
    """The three scopes of a service that decide what is shown."""

    personal: str
    sensitive: str
    minors: str

    @classmethod
    def of(cls, prefix: str) -> "FieldScopes":
        """`registry` → `registry.field.personal`, …"""
        return cls(f"{prefix}.field.personal", f"{prefix}.field.sensitive", f"{prefix}.field.minors")

    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.personal, self.sensitive, self.minors})

    def grants(self, scopes: frozenset[str], protection: Protection) -> "Grants":
        """Which classes a client with `scopes` sees of a person of that age."""
        of_that_age = protection is Protection.ADULT or self.minors in scopes
        return Grants(personal=self.personal in scopes, sensitive=self.sensitive in scopes and of_that_age)


@dataclass(frozen=True, slots=True)
class Grants:
    """The classes beside `plain` that are shown."""

    personal: bool = False
    sensitive: bool = False

    def show(self, field_class: FieldClass) -> bool:
        """Whether fields of a class are shown."""
        return {FieldClass.PERSONAL: self.personal, FieldClass.SENSITIVE: self.sensitive}.get(field_class, True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one view's fields: `noted` are shown and named in the evidence, `masked` are not shown."""

    noted: tuple[str, ...]
    masked: tuple[tuple[str, Mask], ...]
    masked_names: list[str]


class FieldTable:
    """The declared fields of one service, by name of the view or event."""

    def __init__(self, scope_prefix: str, content: Mapping[str, Any], masks: Mapping[str, Mask]) -> None:
        self.scopes = FieldScopes.of(scope_prefix)
        self.declared: dict[str, frozenset[str]] = {}
        self._rules: dict[str, tuple[FieldRule, ...]] = {}
        known = {"omit": _omit, "hidden": _hidden, **masks}
        for name, section in content.items():
            protected = section.get("protected", {})
            self._rules[name] = tuple(_rule(field, entry, known) for field, entry in protected.items())
            self.declared[name] = frozenset(section.get("plain", ())) | frozenset(protected)

    @classmethod
    def load(cls, scope_prefix: str, path: Path, masks: Mapping[str, Mask]) -> "FieldTable":
        """Read `fields.toml`; raises `ValueError` or `KeyError` when it names an unknown class or mask."""
        return cls(scope_prefix, tomllib.loads(path.read_text("utf-8")), masks)

    def rules_of(self, model: type[BaseModel]) -> tuple[FieldRule, ...]:
        """The protected fields of a view or event, declared under its own name or that of the class it continues."""
        for each in model.__mro__:
            if each.__name__ in self.declared:
                return self._rules[each.__name__]
        raise KeyError(f"no class is declared for the fields of {model.__name__}")

    def rules_named(self, name: str) -> tuple[FieldRule, ...]:
        """The protected fields declared under `name`."""
        return self._rules.get(name, ())

    def sight(self, scopes: frozenset[str], protection: Protection | None) -> "Sight":
        """A client's eyes on a person; of somebody whose age is not known nothing more is shown than of a child."""
        return Sight(self, self.scopes.grants(scopes, Protection.CHILD if protection is None else protection), protection)

    def shows_everything(self, scopes: frozenset[str]) -> bool:
        """Whether a client sees every field of everybody, so that nobody's age needs to be known."""
        return self.scopes.names() <= scopes


class Sight:
    """What one client may see of one person; remembers for the evidence what it showed."""

    __slots__ = ("_grants", "_protection", "_shown", "_table")

    def __init__(self, table: FieldTable, grants: Grants, protection: Protection | None) -> None:
        self._table = table
        self._grants = grants
        self._protection = Protection.CHILD if protection is None else protection
        self._shown: set[str] = set()

    @property
    def shown(self) -> list[str]:
        """Names of the protected fields that were shown with a value, sorted."""
        return sorted(self._shown)

    @property
    def is_minor(self) -> bool:
        """Whether the person is under 18, or of unknown age."""
        return self._protection is not Protection.ADULT

    def again(self) -> "Sight":
        """The same eyes, with nothing shown yet."""
        return Sight(self._table, self._grants, self._protection)

    def narrowed(self) -> "Sight":
        """Eyes that see no more than of a child without any scope: those of a client that has no case of the person."""
        return Sight(self._table, Grants(), Protection.CHILD)

    def show(self, view: ViewT, within: str = "") -> ViewT:
        """The view as this client may see it; `within` names the list it stands in."""
        plan = _plan(self._table, type(view), self._grants, self._protection)
        values = view.__dict__
        self._note(plan, values, f"{within}." if within else "")
        if not plan.masked:
            return view
        masked: dict[str, Any] = {name: mask(values[name]) for name, mask in plan.masked}
        if isinstance(view, PersonalView):
            masked["masked_fields"] = plan.masked_names
        return view.model_copy(update=masked)

    def make(self, model: type[ViewT], values: dict[str, Any], within: str = "") -> ViewT:
        """The view of these values as this client may see it: as `show`, but masked before it is made, which is cheaper."""
        plan = _plan(self._table, model, self._grants, self._protection)
        self._note(plan, values, f"{within}." if within else "")
        if plan.masked:
            values |= {name: mask(values[name]) for name, mask in plan.masked}
            values["masked_fields"] = plan.masked_names
        return model(**values)

    def show_data(self, model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
        """Some or all fields of a view or event, as JSON, as this client may see them."""
        plan = _plan(self._table, model, self._grants, self._protection)
        self._note(plan, data, "")
        return data | {name: mask(data[name]) for name, mask in plan.masked if name in data}

    def _note(self, plan: _Plan, values: Mapping[str, Any], prefix: str) -> None:
        for name in plan.noted:
            value = values.get(name)
            if value is not None and value != []:
                self._shown.add(prefix + name)


def protection_of(birth_date: date, on: date) -> Protection:
    """How strictly the law protects somebody on a day; a birthday itself counts as reached."""
    if _is_younger_than(birth_date, CHILD_UNTIL, on):
        return Protection.CHILD
    return Protection.MINOR if _is_younger_than(birth_date, ADULT_FROM, on) else Protection.ADULT


def describe_fields(schemas: Mapping[str, Any], table: FieldTable) -> None:
    """Write the class of each protected field into its OpenAPI schema, by age where it differs."""
    for name, schema in schemas.items():
        for rule in table.rules_named(name):
            classes = {protection.name.lower(): rule.classes[protection].value for protection in Protection}
            schema["properties"][rule.name][FIELD_EXTENSION] = classes


@cache
def _plan(table: FieldTable, model: type[BaseModel], grants: Grants, protection: Protection) -> _Plan:
    """Sorted out once per kind of view, client and age."""
    noted, masked = [], []
    for rule in table.rules_of(model):
        field_class = rule.classes[protection]
        if not grants.show(field_class):
            masked.append((rule.name, rule.mask))
        elif field_class is not FieldClass.PLAIN:
            noted.append(rule.name)
    return _Plan(tuple(noted), tuple(masked), sorted(name for name, _ in masked))


def _rule(name: str, entry: Mapping[str, str], masks: Mapping[str, Mask]) -> FieldRule:
    ordinary = FieldClass(entry["class"])
    minor = FieldClass(entry.get("minors", ordinary))
    child = FieldClass.SENSITIVE if minor is not FieldClass.PLAIN else FieldClass.PLAIN
    return FieldRule(name, (ordinary, minor, child), masks[entry.get("mask", "omit")])


def _omit(value: Any) -> Any:
    return [] if isinstance(value, list) else None


def _hidden(_: Any) -> str:
    return HIDDEN


def _is_younger_than(birth_date: date, age: int, on: date) -> bool:
    try:
        birthday = birth_date.replace(year=birth_date.year + age)
    except ValueError:  # 29 February
        birthday = date(birth_date.year + age, 2, 28)
    return birthday > on
