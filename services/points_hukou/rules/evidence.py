"""Which office gives which facts, what becomes of what was given before, and how long a contest may take."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from services.chassis.parameters import Document, Fields, History, Register, list_of, text, whole_number

_ANY = "*"


class EvidenceStatus(StrEnum):
    """Of one office, fact and reliability one evidence is current."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    """the same office knows something later"""
    WITHDRAWN = "withdrawn"
    """the office says it never was so"""


class ContestStatus(StrEnum):
    """What became of a contest."""

    OPEN = "open"
    UPHELD = "upheld"
    """the office looked, and the fact stands"""
    CORRECTED = "corrected"
    """the office gave another value, or withdrew the fact"""


@dataclass(frozen=True, slots=True)
class OfficeDuty:
    """The facts an organisation may give as the office whose business they are."""

    organisation: str
    rule_set: str
    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class EvidenceLaw:
    """Everything about who gives evidence."""

    offices: Register[OfficeDuty]
    contest_working_days: History[int]
    registry_contest_days: History[int]

    def is_office_of(self, organisation: str, rule_set: str, fact: str, on: date) -> bool:
        """Whether a fact is this organisation's business."""
        return any(
            duty.organisation == organisation and duty.rule_set in {_ANY, rule_set} and fact in duty.facts
            for duty in self.offices.on(on)
        )


class Stated(Protocol):
    """What evidence says, apart from who and of what."""

    @property
    def as_of(self) -> date:
        """Day of the knowledge."""

    @property
    def valid_from(self) -> date | None:
        """First day on which it counts."""

    @property
    def valid_until(self) -> date | None:
        """First day on which it no longer counts."""

    @property
    def value(self) -> object:
        """In its normal form."""


def is_same(one: Stated, other: Stated) -> bool:
    """Whether the same was said as of the same day: then nothing new was given."""
    return (one.as_of, one.valid_from, one.valid_until, one.value) == (
        other.as_of,
        other.valid_from,
        other.valid_until,
        other.value,
    )


def overlaps(one: Stated, other: Stated) -> bool:
    """Whether there is a day on which both would count."""
    starts = [each.valid_from or date.min for each in (one, other)]
    ends = [each.valid_until or date.max for each in (one, other)]
    return max(starts) < min(ends)


def supersedes(given: Stated, current: Stated) -> bool:
    """Whether what is given now takes the place of what is current: it knows at least as late a day. Of one day the later word
    counts, which is how an office corrects itself; older knowledge that arrives late is kept and counts for nothing. What was
    superseded still counts on days of which nothing later speaks (`store/person_facts.py`).
    """
    return given.as_of >= current.as_of


def read_evidence_law(document: Document) -> EvidenceLaw:
    """What `evidence.toml` says. Raises ParameterError."""
    law = EvidenceLaw(
        offices=document.register("offices", _read_duty),
        contest_working_days=document.history("contest_working_days", whole_number(1, 60)),
        registry_contest_days=document.history("registry_contest_days", whole_number(1, 365)),
    )
    document.finish()
    return law


def _read_duty(fields: Fields) -> OfficeDuty:
    return OfficeDuty(
        fields.take("organisation", text), fields.take("rule_set", text), frozenset(fields.take("facts", list_of(text)))
    )
