"""How long personal data are kept before somebody has to say whether they still are (V-19, V-62, V-68).

No law sets a period for data of residents who left, nor of those they lived or worked with. So nothing of them is deleted by a
clock: when the period is over the record is due for review, and officers delete it or keep it for a reason, for a bounded time.
What is only evidence of dealing with data has its years by law (V-33) and goes by a clock, and so does a visit that met
nobody once its month's figures stand. Values: `parameters/retention.toml`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.months import add_months
from services.chassis.parameters import (
    Document,
    Fields,
    History,
    NotInForceError,
    ParameterError,
    Register,
    one_of,
    text,
    whole_number,
)
from services.registry.rules.residence_permit import Reason


class ReviewedClass(StrEnum):
    """What is reviewed when its purpose is over; what goes with a person (`Retention.PERSON`) goes by that review."""

    PERSON = "person"
    """who left"""
    UNREGISTERED_PERSON = "unregistered_person"
    """who was entered and never registered, and is there for nothing else"""
    LANDLORD = "landlord"
    """who lets no home any more, with the letters"""
    PREMISES = "premises"
    """a home that is not let any more: where it is and who looked after it"""
    EMPLOYER = "employer"
    """one that is no more: its name, which may be its owner's"""

    @property
    def is_person(self) -> bool:
        """Whether the subject is somebody on the register."""
        return self in {ReviewedClass.PERSON, ReviewedClass.UNREGISTERED_PERSON}


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Months after the end of what the data were kept for until the review, and how many months they are kept then at most."""

    retention_class: ReviewedClass
    review_after_months: int
    keep_months_max: int

    def due_on(self, ended_on: date) -> date:
        """The day from which the record is due for review."""
        return add_months(ended_on, self.review_after_months)

    def ended_by(self, today: date) -> date:
        """The last day of an end whose record is due by now; a month-end may make it due a day or two later (RR-21)."""
        return add_months(today, -self.review_after_months)

    def keep_until_max(self, today: date) -> date:
        """The last day on which what is kept now may be reviewed again."""
        return add_months(today, self.keep_months_max)


@dataclass(frozen=True, slots=True)
class RetentionParameters:
    """The dated values in `retention.toml`."""

    rules: Register[RetentionRule]
    keep_reasons: Register[Reason]
    evidence_months: History[int]
    visits_to_nobody_months: History[int]

    def rule_of(self, retention_class: ReviewedClass, day: date) -> RetentionRule:
        """What holds for a class on that day. Raises NotInForceError before PIPL."""
        for rule in self.rules.on(day):
            if rule.retention_class is retention_class:
                return rule
        raise NotInForceError(f"{self.rules.name}.{retention_class}", day)


def read_retention(document: Document) -> RetentionParameters:
    """The values in `retention.toml`. Raises ParameterError."""
    parameters = RetentionParameters(
        rules=document.register("classes", _read_rule),
        keep_reasons=document.register("keep_reasons", _read_reason),
        evidence_months=document.history("evidence_months", whole_number(36, 1200)),
        visits_to_nobody_months=document.history("visits_to_nobody_months", whole_number(1, 1200)),
    )
    document.finish()
    codes = [row.value.code for row in parameters.keep_reasons.rows]
    if len(codes) != len(set(codes)):
        raise ParameterError(f"{parameters.keep_reasons.name}: a code is listed twice")
    return parameters


def _read_rule(fields: Fields) -> RetentionRule:
    return RetentionRule(
        retention_class=fields.take("class", one_of(ReviewedClass)),
        review_after_months=fields.take("review_after_months", whole_number(1, 1200)),
        keep_months_max=fields.take("keep_months_max", whole_number(1, 120)),
    )


def _read_reason(fields: Fields) -> Reason:
    return Reason(
        code=fields.take("code", text),
        article=fields.take("article", text),
        rule=fields.peek("rule", text),
        message_zh=fields.take("zh", text),
        message_en=fields.take("en", text),
    )
