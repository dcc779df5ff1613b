"""What every kept thing has."""

from datetime import datetime

from services.chassis.schemas import View


class VersionedRecord(View):
    """The full state of a thing, as the store keeps it and the history remembers it. Never leaves the service."""

    version: int
    created_at: datetime
    updated_at: datetime
