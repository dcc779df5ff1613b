"""How much two records on the register look like one human, and why: points for what agrees, points off for what does not.

Nothing is decided here (C-37: a name never identifies): a pair with enough points is put before an officer, with every reason.
Only what says *who* somebody is counts – name and its sound, birth date, sex, home, phone, numbers. Where people live, work or
whom they live with is no sign of identity here, and no person is ever rated, only a pair.

There are few ways in which two records may agree (`every_likeness`), so a pass over a million persons asks the rule once for
each way, and each pair only says which way it is: its `code`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from itertools import product

from services.chassis.parameters import Document, Fields, History, ParameterError, Register, text, whole_number

_POINTS_MAX = 200


class NameLikeness(IntEnum):
    """How the names agree; the closest that is true."""

    DIFFERENT = 0
    SAME_INITIALS = 1
    SAME_SOUND = 2
    SAME = 3


class BirthLikeness(IntEnum):
    """How the birth dates agree. `NEAR`: two of year, month and day are the same, or month and day changed places."""

    DIFFERENT = 0
    NEAR = 1
    SAME = 2


class TextLikeness(IntEnum):
    """How something agrees that may not be known of everybody."""

    UNKNOWN = 0
    DIFFERENT = 1
    SAME = 2


class CandidateLevel(StrEnum):
    """How likely a pair is one human."""

    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Likeness:
    """The way two records agree. `has_two_numbers`: each has a citizen number, and nobody has two."""

    name: NameLikeness
    birth_date: BirthLikeness
    is_same_sex: bool
    home: TextLikeness
    phone: TextLikeness
    has_two_numbers: bool

    @property
    def code(self) -> int:
        """A number for this way, the same in the database (`likeness_code`)."""
        birth = 4 * self.birth_date
        sex = 12 * self.is_same_sex
        return self.name + birth + sex + 24 * self.home + 72 * self.phone + 216 * self.has_two_numbers

    @classmethod
    def of_code(cls, code: int) -> "Likeness":
        """The way that has this number."""
        return cls(
            name=NameLikeness(code % 4),
            birth_date=BirthLikeness(code // 4 % 3),
            is_same_sex=bool(code // 12 % 2),
            home=TextLikeness(code // 24 % 3),
            phone=TextLikeness(code // 72 % 3),
            has_two_numbers=bool(code // 216),
        )

    @property
    def signs(self) -> tuple[str, ...]:
        """What is so, by the keys of the parameter `points`."""
        sex = "same" if self.is_same_sex else "different"
        told = [f"name.{self.name.name.lower()}", f"birth_date.{self.birth_date.name.lower()}", f"sex.{sex}"]
        told += [
            f"{aspect}.{likeness.name.lower()}"
            for aspect, likeness in (("home", self.home), ("phone", self.phone))
            if likeness is not TextLikeness.UNKNOWN
        ]
        return (*told, *(["citizen_number.two"] if self.has_two_numbers else []))


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that agrees or does not, what it counts, and how it is told."""

    key: str
    points: int
    message_zh: str
    message_en: str


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What the rule says of a pair; without a level it is not shown to anybody."""

    score: int
    level: CandidateLevel | None
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class DuplicateParameters:
    """The dated values in `duplicates.toml`."""

    points: Register[Sign]
    likely_from: History[int]
    possible_from: History[int]
    block_size_max: History[int]
    pairs_per_person_max: History[int]
    put_off_days: History[int]


def read_duplicates(document: Document) -> DuplicateParameters:
    """The values in `duplicates.toml`. Raises ParameterError, also when a sign has no points, or points that it must not."""
    parameters = DuplicateParameters(
        points=document.register("points", _read_sign),
        likely_from=document.history("likely_from", whole_number(1, 10 * _POINTS_MAX)),
        possible_from=document.history("possible_from", whole_number(1, 10 * _POINTS_MAX)),
        block_size_max=document.history("block_size_max", whole_number(2, 10_000)),
        pairs_per_person_max=document.history("pairs_per_person_max", whole_number(1, 100)),
        put_off_days=document.history("put_off_days", whole_number(1, 366)),
    )
    document.finish()
    wanted = {sign for likeness in every_likeness() for sign in likeness.signs}
    if wanted != {row.value.key for row in parameters.points.rows}:
        raise ParameterError(f"{document.name}, points: must have exactly {', '.join(sorted(wanted))}")
    return parameters


def every_likeness() -> Iterator[Likeness]:
    """Every way two records may agree."""
    for ways in product(NameLikeness, BirthLikeness, (False, True), TextLikeness, TextLikeness, (False, True)):
        yield Likeness(*ways)


def assess_likeness(likeness: Likeness, parameters: DuplicateParameters, on: date) -> Likelihood:
    """How likely a pair that agrees in this way is one human, by the points in force on a day."""
    points: Mapping[str, Sign] = {sign.key: sign for sign in parameters.points.on(on)}
    signs = tuple(points[key] for key in likeness.signs)
    score = sum(sign.points for sign in signs)
    if score >= parameters.likely_from.on(on):
        return Likelihood(score, CandidateLevel.LIKELY, signs)
    level = CandidateLevel.POSSIBLE if score >= parameters.possible_from.on(on) else None
    return Likelihood(score, level, signs)


def scores_by_code(parameters: DuplicateParameters, on: date) -> tuple[int | None, ...]:
    """The score of each way that is shown, at the place of its code; `None` where a pair is not shown."""
    found: dict[int, int | None] = {}
    for likeness in every_likeness():
        likelihood = assess_likeness(likeness, parameters, on)
        found[likeness.code] = None if likelihood.level is None else likelihood.score
    return tuple(found[code] for code in range(len(found)))


def _read_sign(fields: Fields) -> Sign:
    return Sign(
        key=fields.take("key", text),
        points=fields.take("points", whole_number(-_POINTS_MAX, _POINTS_MAX)),
        message_zh=fields.take("message_zh", text),
        message_en=fields.take("message_en", text),
    )
