"""What a school is, as far as places depend on it."""

from dataclasses import dataclass
from enum import StrEnum

ENTRY_GRADES = frozenset({1, 7})
"""Where children enter; other grades take children by vacancy (education.md §4.5, EDU-18)."""


class SchoolKind(StrEnum):
    """Whose school it is: in public schools the government has places, in private ones it buys or subsidises them (EDU-13)."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class SchoolFacts:
    """What the plan of a school is checked against. `sizes`: pupils of each class by grade, as last reported."""

    school_id: str
    kind: SchoolKind
    division_code: str
    first_grade: int
    last_grade: int
    sizes: dict[int, tuple[int, ...]]

    @property
    def county(self) -> str:
        """The county whose education department plans for it (EDU-05)."""
        return self.division_code[:6]

    @property
    def all_sizes(self) -> tuple[int, ...]:
        """Pupils of every class."""
        return tuple(size for sizes in self.sizes.values() for size in sizes)
