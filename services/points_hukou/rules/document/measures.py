"""How facts are counted: every measure gives a whole number (shares: a fraction), in one or several pieces.

{ age = "birth_date" }                                        full years on the reference day
{ months = "insurance", kinds = ["pension"], by = "kind" }    months; pieces by kind, year or unbroken run
{ count = "detentions", calendar_years = 5 }                  events, or years with at least an amount
{ amount = "income_tax", calendar_years = 3 }                 sums of amounts
{ shares = "patents", kinds = ["invention"] }                 events shared among holders
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from services.points_hukou.rules.document.reading import Day, Many, Month, Name, Part, kind_by_key

Positive = Annotated[int, Field(ge=1, le=10_000_000_000)]


class Age(Part):
    """Full years (周岁) from a day; the birthday counts as reached. `short_of`: how many years are missing to that age."""

    age: Name
    short_of: Positive | None = None


class Months(Part):
    """Months of a fact: calendar months; or full months of each period; or full months since a day. Gaps add up, unless only
    the `unbroken` time that reaches the reference day counts, in which gaps up to `gap_months` are forgiven but not counted.
    `since` is a month for calendar months, a day for the others.
    """

    months: Name
    kinds: Many[Name] = ()
    since: Day | Month | None = None
    last_months: Positive | None = None
    unbroken: bool = False
    gap_months: Annotated[int, Field(ge=0, le=24)] = 0
    by: Literal["kind", "run"] | None = None


Years = Annotated[int, Field(ge=1, le=150)]
"""As long as somebody lives; further back no calendar goes that either engine counts by."""


class Window(Part):
    """Which days count: all up to the reference day, the last `years`, or whole calendar years ending with that of the day."""

    kinds: Many[Name] = ()
    since: Day | None = None
    years: Years | None = None
    calendar_years: Years | None = None


class Count(Window):
    """How many events; or in how many years the amount was `at_least` so much."""

    count: Name
    at_least: Positive | None = None
    by: Literal["year"] | None = None


class Amount(Window):
    """The sum of amounts of events or years; or a plain number."""

    amount: Name
    by: Literal["year"] | None = None


class Shares(Window):
    """Events shared among holders: 1/(holders+1) each, twice that for the first holder (Foshan)."""

    shares: Name


MEASURE_KEYS = ("age", "months", "count", "amount", "shares")
Measure = Annotated[
    Annotated[Age, Tag("age")]
    | Annotated[Months, Tag("months")]
    | Annotated[Count, Tag("count")]
    | Annotated[Amount, Tag("amount")]
    | Annotated[Shares, Tag("shares")],
    Discriminator(
        kind_by_key(*MEASURE_KEYS),
        custom_error_type="measure",
        custom_error_message=f"a measure has one of the keys {', '.join(MEASURE_KEYS)}",
    ),
]


def _one_or_several(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw if isinstance(raw, tuple) else (raw,)


Measures = Annotated[tuple[Measure, ...], BeforeValidator(_one_or_several)]
"""Several measures; one may be written without a list."""


def fact_of(measure: Measure) -> str:
    """The fact a measure counts."""
    return str(next(getattr(measure, key) for key in MEASURE_KEYS if hasattr(measure, key)))
