"""What every kept thing has."""

from datetime import datetime
from typing import Self

from services.chassis.schemas import View


class VersionedRecord(View):
    """The full state of a thing, as the store keeps it and the history remembers it. Never leaves the service."""

    version: int
    created_at: datetime
    updated_at: datetime

    def remembered(self) -> Self:
        """As the history remembers it: all of it, unless a record says what stays with its row alone."""
        return self
