"""The two clocks (architecture §4).

The *law clock* feeds rules, due dates and jobs, speaks Asia/Shanghai, and is the only one a sandbox may move. The
*system clock* drives tokens, timeouts, retention, audit and every `*_at` column and cannot be set.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LAW_ZONE = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The system clock: an aware instant in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - here and nowhere else


class LawClock:
    """The law clock of one process; it runs at the speed of the system clock, `offset` away from it."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The law's instant, aware, in Asia/Shanghai."""
        return (utc_now() + self.offset).astimezone(LAW_ZONE)

    def today(self) -> date:
        """The law's calendar day in Asia/Shanghai."""
        return self.now().date()

    def set(self, instant: datetime | None) -> None:
        """Move the clock so that it shows `instant` now; `None` returns to the system clock."""
        self.offset = timedelta(0) if instant is None else instant - utc_now()
