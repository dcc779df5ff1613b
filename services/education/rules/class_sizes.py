"""Sizes of classes: the band of one, how many places a grade has, whether a pupil can transfer (EDU-16 to EDU-18)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, History, list_of, whole_number
from services.education.rules.reasons import Reason

LAST_PRIMARY_GRADE = 6


class SizeBand(StrEnum):
    """How large a class is (EDU-16)."""

    NORMAL = "normal"
    SOMEWHAT_LARGE = "somewhat_large"
    LARGE = "large"
    VERY_LARGE = "very_large"


@dataclass(frozen=True, slots=True)
class ClassSizeLaw:
    """The dated values in `classes.toml`."""

    size_bands: History[tuple[int, ...]]
    planned_primary: History[int]
    planned_junior: History[int]
    entry_max: History[int]
    no_transfers_from: History[int]

    def band(self, pupils: int, on: date) -> SizeBand:
        """The band of a class."""
        return tuple(SizeBand)[bisect_right(self.size_bands.on(on), pupils)]

    def planned_places(self, grade: int, classes: int, on: date) -> int:
        """How many places so many new classes of a grade are planned for."""
        return classes * (self.planned_primary if grade <= LAST_PRIMARY_GRADE else self.planned_junior).on(on)

    def most_places(self, classes: int, on: date) -> int:
        """More than this no plan of an entry grade may say."""
        return classes * self.entry_max.on(on)

    def against_transfer(self, grade: int, of_grade: Sequence[int], of_school: Sequence[int], on: date) -> Iterator[Reason]:
        """Everything that stands against taking a pupil into a grade with classes of these sizes, at a school with those."""
        over = [each for each in of_school if each >= self.no_transfers_from.on(on)]
        if over:
            zh, en = f"该校有{len(over)}个超大班额班级", f"the school has {len(over)} very large classes"
            yield Reason("very_large_classes", "", "EDU-18", zh, en)
        planned = self.planned_places(grade, 1, on)
        if all(each >= planned for each in of_grade):
            zh, en = f"{grade}年级各班均已满{planned}人", f"every class of grade {grade} has {planned} pupils or more"
            yield Reason("no_vacancy", "", "EDU-17, EDU-18", zh, en)


def read_class_sizes(document: Document) -> ClassSizeLaw:
    """The law in `classes.toml`. Raises ParameterError."""
    law = ClassSizeLaw(
        size_bands=document.history("size_bands", list_of(whole_number(1, 200))),
        planned_primary=document.history("planned_primary", whole_number(1, 200)),
        planned_junior=document.history("planned_junior", whole_number(1, 200)),
        entry_max=document.history("entry_max", whole_number(1, 200)),
        no_transfers_from=document.history("no_transfers_from", whole_number(1, 200)),
    )
    document.finish()
    return law
