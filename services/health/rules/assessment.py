"""What comes of judging and forecasting: immutable results, each with the rules it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.health.rules.child import Dose


class Verdict(StrEnum):
    """Whether a recorded dose counts, and if not why. The order is that of preference where several series look at one dose."""

    VALID = "valid"
    UNDECIDED = "undecided"
    DUPLICATE = "duplicate"
    EXTRA = "extra"
    TOO_EARLY = "too_early"
    INTERVAL_TOO_SHORT = "interval_too_short"
    LIVE_TOO_CLOSE = "live_too_close"
    AFTER_IMMUNOGLOBULIN = "after_immunoglobulin"
    TOO_OLD = "too_old"
    WRONG_PRODUCT = "wrong_product"
    NOT_IN_PROGRAMME = "not_in_programme"


class Standing(StrEnum):
    """How a child stands in a line on the day of assessment."""

    COMPLETE = "complete"
    UPCOMING = "upcoming"
    DUE = "due"
    OVERDUE = "overdue"
    DEFERRED = "deferred"
    CONTRAINDICATED = "contraindicated"
    REFER = "refer_to_clinic"
    AGED_OUT = "aged_out"
    NOT_MEANT = "not_meant"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing against a dose: the first day on which it would have been right, and the dose it was measured from."""

    verdict: Verdict
    rules: tuple[str, ...]
    not_before: date | None = None
    because_of: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One dose in one line. `dose_no` is its number where it counts; `rules` are those of the course it was judged by."""

    dose: Dose
    line: str
    series: str | None
    verdict: Verdict
    edition: str
    dose_no: int | None = None
    findings: tuple[Finding, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NextDose:
    """The next dose of a line.

    `earliest`: the first day on which it counts (may lie behind the day of assessment); `recommended`: when to come;
    `overdue_from`: the first day on which it is late; `latest`: the last day on which it can be given. `else_by`: vaccines
    that would do as well. `listed_on`: the day of its listed age; `asks`: what must be seen before.
    """

    vaccine: str
    dose_no: int
    earliest: date
    recommended: date
    overdue_from: date
    latest: date
    listed_on: date
    else_by: tuple[str, ...] = ()
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class LineForecast:
    """A line on the day of assessment. `reason_*` where the clinic has to decide or nothing is given."""

    line: str
    series: str | None
    standing: Standing
    counted: int
    needed: int
    next: NextDose | None = None
    rules: tuple[str, ...] = ()
    reason_zh: str | None = None
    reason_en: str | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """A child on a day: every recorded dose judged, every line forecast. `edition`: that of the forecast."""

    as_of: date
    edition: str
    judgements: tuple[Judgement, ...]
    forecasts: Mapping[str, LineForecast]
