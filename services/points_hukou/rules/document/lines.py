"""Points for something: an amount, or a bundle of lines of which all count together or the best alone.

{ points = 0.5, units = { months = "insurance" } }                                   0.5 per month
{ points = 4, units = { months = "service" }, per = 12, after = 5, counts_back = true }   4 per full year once 5 are complete
{ points = 8, when = { held = "education", any_of = ["junior_college"] } }                fixed
{ take = "best", cap = 12, lines = [ … ] }
"""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from services.points_hukou.rules.document.conditions import Condition
from services.points_hukou.rules.document.measures import Measure, Measures, Positive
from services.points_hukou.rules.document.reading import Exact, Many, Part, Text, kind_by_key

Take = Literal["sum", "best"]


class Line(Part):
    """What amounts and bundles share. `cap` bounds the size of the points, also of negative ones; `rounded`: on its own."""

    name_zh: Text | None = None
    name_en: Text | None = None
    when: Condition | None = None
    cap: Exact | None = None
    rounded: bool = False


class Points(Line):
    """`points` once; or for every `per` units, complete ones alone, of each piece of the measure.

    `after`: nothing before so many units; then the units beyond them count, or with `counts_back` all. `most`: so many units
    at most; `most_each`: in each piece.
    """

    points: Exact
    units: Measure | None = None
    per: Positive = 1
    after: Annotated[int, Field(ge=0, le=1000)] = 0
    counts_back: bool = False
    most: Positive | None = None
    most_each: Positive | None = None

    @model_validator(mode="after")
    def _units_are_measured(self) -> Self:
        bounds = (self.per != 1, self.after, self.counts_back, self.most, self.most_each)
        if self.units is None and any(bounds):
            raise ValueError("per, after, counts_back, most and most_each need units")
        if self.counts_back and not self.after:
            raise ValueError("counts_back needs after")
        return self


class Bundle(Line):
    """Lines taken together. `units_at_most`: the lines together take no more than each of
    these measures gives; earlier lines take first."""

    lines: Annotated[Many["AnyLine"], Field(min_length=1)]
    take: Take = "sum"
    units_at_most: Measures = ()


AnyLine = Annotated[
    Annotated[Bundle, Tag("lines")] | Annotated[Points, Tag("points")],
    Discriminator(
        kind_by_key("lines", "points"),
        custom_error_type="line",
        custom_error_message="a line has either points or lines",
    ),
]
