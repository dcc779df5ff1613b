"""Groups for which places may be held back: each with its legal ground and the most that may be (education.md §4.5)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ReservedGroup(BaseModel):
    """One group. `id` is the claim by which a child belongs to it; `cap_percent` of an offer's places are the most for it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    name_zh: _Text
    name_en: _Text
    legal_ground: _Text
    rule: _Text
    cap_percent: Annotated[int, Field(ge=0, le=100)]
    source: _Text
    confidence: Literal["H", "M", "L", "G", "design"]

    def most_of(self, places: int) -> int:
        """How many of so many places may be held back, rounded down."""
        return places * self.cap_percent // 100
