"""The way of a vaccination card (接种卡), what a dose's record rests on, and when a card may be opened (IMM-51 to IMM-57).

A card follows the child and not its household registration (IMM-52). It is never torn up: who has moved away, grown up or
was entered elsewhere keeps its doses here (IMM-55, IMM-58).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.months import add_months

CERTIFICATE_MONTHS = 1
"""Within so many months of birth the guardian gets the certificate (IMM-51, X-31)."""
RESIDENCE_MONTHS = 3
"""Living here so long, a child gets its card without asking (IMM-53); who asks gets it at once (IMM-54)."""
CHILD_UNTIL_YEARS = 18
"""Missed doses are caught up before this age (IMM-02)."""
KEPT_UNTIL_YEARS = 21
"""Cards are kept fifteen years after the sixth birthday (IMM-58)."""


class CardBasis(StrEnum):
    """Why a card was opened: born here, lived here for three months, asked for, or handed over by another unit."""

    BIRTH = "birth"
    RESIDENCE = "residence"
    REQUEST = "request"
    TRANSFER = "transfer"


class CardStatus(StrEnum):
    """Where a card stands. `arrived`: the certificate was neither issued nor seen; `active`: the child is vaccinated here."""

    ARRIVED = "arrived"
    REGISTERED = "registered"
    ACTIVE = "active"
    AWAY = "away"
    MOVED_OUT = "moved_out"
    AGED_OUT = "aged_out"
    ARCHIVED = "archived"


class CardAct(StrEnum):
    """What happens to a card. `age_out` and `archive` follow from the birth date alone."""

    CERTIFY = "certify"
    VACCINATE = "vaccinate"
    LEAVE = "leave"
    RETURN = "return"
    MOVE_OUT = "move_out"
    MOVE_IN = "move_in"
    AGE_OUT = "age_out"
    ARCHIVE = "archive"


class DoseStatus(StrEnum):
    """`withdrawn`: it was never given, or not to this child. Nothing is deleted."""

    RECORDED = "recorded"
    WITHDRAWN = "withdrawn"


class Evidence(StrEnum):
    """What is known of a dose by: given by a unit of this city, or what the clinic saw of another's (IMM-56)."""

    GIVEN_HERE = "given_here"
    CERTIFICATE = "certificate"
    ELECTRONIC_RECORD = "electronic_record"
    STATEMENT = "statement"


class Funding(StrEnum):
    """Programme vaccines are free (IMM-59); others the family pays for."""

    PROGRAMME = "programme"
    FAMILY = "family"


CURRENT = frozenset({CardStatus.ARRIVED, CardStatus.REGISTERED, CardStatus.ACTIVE, CardStatus.AWAY})
"""The unit looks after these."""

COUNTED = frozenset({Evidence.GIVEN_HERE, Evidence.CERTIFICATE, Evidence.ELECTRONIC_RECORD})
"""An undocumented dose is kept and not counted (IMM-56)."""

_STRENGTH = (Evidence.STATEMENT, Evidence.CERTIFICATE, Evidence.ELECTRONIC_RECORD, Evidence.GIVEN_HERE)

TRANSITIONS: Mapping[tuple[CardStatus, CardAct], CardStatus] = {
    (CardStatus.ARRIVED, CardAct.CERTIFY): CardStatus.REGISTERED,
    (CardStatus.REGISTERED, CardAct.CERTIFY): CardStatus.REGISTERED,
    (CardStatus.ACTIVE, CardAct.CERTIFY): CardStatus.ACTIVE,
    (CardStatus.AWAY, CardAct.CERTIFY): CardStatus.AWAY,
    (CardStatus.MOVED_OUT, CardAct.CERTIFY): CardStatus.MOVED_OUT,
    (CardStatus.ARRIVED, CardAct.VACCINATE): CardStatus.ACTIVE,
    (CardStatus.REGISTERED, CardAct.VACCINATE): CardStatus.ACTIVE,
    (CardStatus.ACTIVE, CardAct.VACCINATE): CardStatus.ACTIVE,
    (CardStatus.AWAY, CardAct.VACCINATE): CardStatus.ACTIVE,
    (CardStatus.ARRIVED, CardAct.LEAVE): CardStatus.AWAY,
    (CardStatus.REGISTERED, CardAct.LEAVE): CardStatus.AWAY,
    (CardStatus.ACTIVE, CardAct.LEAVE): CardStatus.AWAY,
    (CardStatus.AWAY, CardAct.RETURN): CardStatus.ACTIVE,
    (CardStatus.ARRIVED, CardAct.MOVE_OUT): CardStatus.MOVED_OUT,
    (CardStatus.REGISTERED, CardAct.MOVE_OUT): CardStatus.MOVED_OUT,
    (CardStatus.ACTIVE, CardAct.MOVE_OUT): CardStatus.MOVED_OUT,
    (CardStatus.AWAY, CardAct.MOVE_OUT): CardStatus.MOVED_OUT,
    (CardStatus.ARRIVED, CardAct.MOVE_IN): CardStatus.ARRIVED,
    (CardStatus.REGISTERED, CardAct.MOVE_IN): CardStatus.REGISTERED,
    (CardStatus.ACTIVE, CardAct.MOVE_IN): CardStatus.ACTIVE,
    (CardStatus.AWAY, CardAct.MOVE_IN): CardStatus.ACTIVE,
    (CardStatus.MOVED_OUT, CardAct.MOVE_IN): CardStatus.REGISTERED,
    (CardStatus.ARRIVED, CardAct.AGE_OUT): CardStatus.AGED_OUT,
    (CardStatus.REGISTERED, CardAct.AGE_OUT): CardStatus.AGED_OUT,
    (CardStatus.ACTIVE, CardAct.AGE_OUT): CardStatus.AGED_OUT,
    (CardStatus.AWAY, CardAct.AGE_OUT): CardStatus.AGED_OUT,
    (CardStatus.MOVED_OUT, CardAct.AGE_OUT): CardStatus.AGED_OUT,
    (CardStatus.AGED_OUT, CardAct.ARCHIVE): CardStatus.ARCHIVED,
}
"""What may follow. A lost certificate is issued again by the unit that has the records, also to who moved away (IMM-57); the
unit of the present residence takes a card over from wherever in the city it is (IMM-52)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A card that may be opened; `due_on` is the last day for the certificate, where one is due (IMM-51)."""

    due_on: date | None


@dataclass(frozen=True, slots=True)
class NotYet:
    """No card by this basis: by which rule, and from which day on, if any."""

    code: str
    rule: str
    opens_on: date | None = None


def opening(basis: CardBasis, *, born_on: date, lives_here_since: date | None, today: date) -> Opening | NotYet:
    """Whether a card may be opened by this basis today.

    `lives_here_since`: by the register, for what rests on residence. Born here, the certificate is due within a month of
    birth; later the card is opened all the same, late.
    """
    if today < born_on:
        return NotYet("not_born", "IMM-51")
    if today >= add_months(born_on, 12 * CHILD_UNTIL_YEARS):
        return NotYet("no_child", "IMM-02")
    if basis is CardBasis.BIRTH:
        return Opening(add_months(born_on, CERTIFICATE_MONTHS))
    if basis is CardBasis.RESIDENCE:
        if lives_here_since is None:
            return NotYet("not_resident", "IMM-53")
        opens_on = add_months(lives_here_since, RESIDENCE_MONTHS)
        if today < opens_on:
            return NotYet("not_resident_long_enough", "IMM-53", opens_on)
    return Opening(None)


def outgrown(status: CardStatus, born_on: date, today: date) -> CardAct | None:
    """What the birth date alone makes of a card today, if anything."""
    if status is CardStatus.AGED_OUT:
        return CardAct.ARCHIVE if today >= add_months(born_on, 12 * KEPT_UNTIL_YEARS) else None
    is_over = (status, CardAct.AGE_OUT) in TRANSITIONS and today >= add_months(born_on, 12 * CHILD_UNTIL_YEARS)
    return CardAct.AGE_OUT if is_over else None


def stronger(one: Evidence, other: Evidence) -> Evidence:
    """The better of two ways to know of the same dose (X-35)."""
    return max(one, other, key=_STRENGTH.index)
