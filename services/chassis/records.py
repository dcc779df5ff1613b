"""Things with versions: their full state, and which fields changed. What was remembered of them is read by `history`, which has
pages and with them the web; a worker has neither.
"""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from services.chassis.schemas import View

_BOOKKEEPING = frozenset({"version", "created_at", "updated_at"})


class VersionedRecord(View):
    """The full state of a thing, as the store keeps it and the history remembers it. Never leaves the service."""

    version: int
    created_at: datetime
    updated_at: datetime

    def remembered(self) -> Self:
        """As the history remembers it: all of it, unless a record says what stays with its row alone."""
        return self


def changed_fields(before: BaseModel | None, after: BaseModel) -> list[str]:
    """Names of the fields that differ, bookkeeping apart; of sealed parts the names inside. All that have a value, when new."""
    names: list[str] = []
    known = {} if before is None else before.__dict__
    for name, new in after.__dict__.items():
        old = known.get(name)
        if new is old or name in _BOOKKEEPING or old == new:
            continue
        names += changed_fields(old, new) if hasattr(new, "model_fields_set") else [name]  # isinstance is dear
    return names
