"""When something holds: a closed set of conditions, which combine by all, any and none. An unknown fact never holds.

{ flag = "is_local_spouse" }
{ held = "education", any_of = ["junior_college"] }
{ of = { age = "birth_date" }, at_most = 45 }
{ item = "education", points = [15, 26] }                     an item above this one came to one of these
{ day = "birth_date", from = { years_before = 45 }, before = 2000-01-01 }
{ division = "home", within = ["3302"] }
{ all = [ … ] }   { any = [ … ] }   { none = [ … ] }
"""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from services.points_hukou.rules.document.measures import Measure
from services.points_hukou.rules.document.reading import Day, Exact, Many, Name, Part, Text, kind_by_key


class Flagged(Part):
    """A yes-or-no fact is yes."""

    flag: Name


class Held(Part):
    """One of these is proved."""

    held: Name
    any_of: Annotated[Many[Name], Field(min_length=1)]


class Reached(Part):
    """A measure lies within bounds; `at_least` and `at_most` include the number (以上、以下), `below` does not."""

    of: Measure
    at_least: int | None = None
    at_most: int | None = None
    below: int | None = None


class ItemScored(Part):
    """An item earlier in the rule set came to one of these points."""

    item: Name
    points: Annotated[Many[Exact], Field(min_length=1)]


class YearsBefore(Part):
    """So many years before the reference day."""

    years_before: Annotated[int, Field(ge=0, le=150)]


class DayWithin(Part):
    """A day lies from one bound (included) to another: `until` includes it, `before` does not."""

    day: Name
    from_: Annotated[Day | YearsBefore | None, Field(alias="from")] = None
    until: Day | YearsBefore | None = None
    before: Day | YearsBefore | None = None


class WithinDivision(Part):
    """A division lies within one of these; codes without their trailing zeros."""

    division: Name
    within: Annotated[Many[Text], Field(min_length=1)]


class All(Part):
    """Every one of them holds."""

    all: Annotated[Many["Condition"], Field(min_length=1)]


class Any(Part):
    """At least one of them holds."""

    any: Annotated[Many["Condition"], Field(min_length=1)]


class NoneOf(Part):
    """Not one of them holds."""

    none: Annotated[Many["Condition"], Field(min_length=1)]


_KEYS = ("flag", "held", "of", "item", "day", "division", "all", "any", "none")
Condition = Annotated[
    Annotated[Flagged, Tag("flag")]
    | Annotated[Held, Tag("held")]
    | Annotated[Reached, Tag("of")]
    | Annotated[ItemScored, Tag("item")]
    | Annotated[DayWithin, Tag("day")]
    | Annotated[WithinDivision, Tag("division")]
    | Annotated[All, Tag("all")]
    | Annotated[Any, Tag("any")]
    | Annotated[NoneOf, Tag("none")],
    Discriminator(
        kind_by_key(*_KEYS),
        custom_error_type="condition",
        custom_error_message=f"a condition has one of the keys {', '.join(_KEYS)}",
    ),
]
