"""Made-up children for properties: doses near the days on which rules change, in any order, of any vaccine."""

from datetime import date, timedelta

from hypothesis import strategies as st

from services.chassis.months import add_months
from services.health.rules.child import Child, Dose

FIRST, LAST = date(2009, 1, 1), date(2026, 11, 30)
_COMMON = [
    "HepB", "BCG", "IPV", "bOPV", "DTaP", "MMR", "JE-L", "MPSV-A", "MPSV-AC", "HepA-L",
]  # fmt: skip
_OTHERS = ["tOPV", "DT", "MR", "MM", "MV", "JE-I", "MCV-AC", "HepA-I", "DTaP-IPV-Hib", "2vHPV"]
_MONTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 18, 20, 24, 30, 36, 48, 60, 72, 78, 84, 120, 143, 144, 156, 168]
_OFF = [-1, 0, 0, 1, 7, 10, 27, 28, 29, 60]


def days(born_on: date, until: date) -> st.SearchStrategy[date]:
    """A day of the child's life near an age or interval of the schedule."""
    near = st.builds(
        lambda months, off: add_months(born_on, months) + timedelta(off), st.sampled_from(_MONTHS), st.sampled_from(_OFF)
    )
    return near.map(lambda day: min(max(day, born_on), until))


@st.composite
def children(draw: st.DrawFn, *, vaccines: list[str] | None = None, most: int = 12) -> tuple[Child, date]:
    """A child with a record, and a day of assessment not before its last dose."""
    born_on = draw(st.dates(FIRST, LAST - timedelta(60)))
    as_of = draw(st.dates(born_on, LAST))
    names = st.sampled_from(vaccines) if vaccines else st.sampled_from(_COMMON) | st.sampled_from(_OTHERS)
    given = draw(st.lists(st.tuples(names, days(born_on, as_of)), max_size=most))
    doses = tuple(Dose(f"d{number}", name, day) for number, (name, day) in enumerate(given))
    return Child(
        born_on,
        doses,
        sex=draw(st.sampled_from(["female", "male"])),
        mother_hbsag=draw(st.sampled_from([None, "negative", "positive"])),
        birth_weight_g=draw(st.sampled_from([None, 1800, 3200])),
        immunoglobulins=tuple(draw(st.lists(days(born_on, as_of), max_size=1))),
        choices=frozenset(draw(st.sets(st.sampled_from(["JE-I", "HepA-I"]), max_size=1))),
    ), as_of
