"""What is known of a child: plain, immutable values. Dates are law dates (Asia/Shanghai)."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Sex = Literal["female", "male"]
Hbsag = Literal["negative", "positive", "unknown"]


@dataclass(frozen=True, slots=True)
class Dose:
    """One recorded dose. `campaign`: of a supplementary campaign; `paid`: paid for by the family and given by its label."""

    id: str
    vaccine: str
    given_on: date
    campaign: bool = False
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Barred:
    """A time in which something must not be given: `since` inclusive, `until` exclusive or open; nothing named means all."""

    since: date
    until: date | None = None
    what: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Child:
    """A child and its record. What was not told is `None`: no rule for special infants then applies.

    `contraindications` name vaccines (K1), `conditions` those of the catalogue (K5, HIV), `deferrals` vaccines or nothing (K6).
    `choices`: series the guardian or the province chose, such as JE-I.
    """

    born_on: date
    doses: tuple[Dose, ...] = ()
    sex: Sex | None = None
    birth_weight_g: int | None = None
    gestation_weeks: int | None = None
    mother_hbsag: Hbsag | None = None
    immunoglobulins: tuple[date, ...] = ()
    skin_tests: tuple[tuple[date, bool], ...] = ()
    contraindications: tuple[Barred, ...] = ()
    conditions: tuple[Barred, ...] = ()
    deferrals: tuple[Barred, ...] = ()
    choices: frozenset[str] = frozenset()
