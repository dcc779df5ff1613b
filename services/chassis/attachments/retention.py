"""Closed lists: what a file is for, and how long one that nothing refers to is kept. A file that something refers to stays."""

from datetime import date, timedelta
from enum import StrEnum


class AttachmentPurpose(StrEnum):
    """What a file is for."""

    EVIDENCE = "evidence"
    IMPORT = "import"


class RetentionClass(StrEnum):
    """How long a file is kept that no case refers to (any more), counted from its upload by the law clock."""

    WORKING_FILE = "working_file"
    CASE_FILE = "case_file"
    SHARING_RECORD = "sharing_record"

    @property
    def days(self) -> int:
        """Days until an unreferenced file is deleted."""
        return _DAYS[self]

    def kept_until(self, today: date) -> date:
        """The last day on which an unreferenced file uploaded `today` is kept."""
        return today + timedelta(days=self.days)


# The shortest time the purpose needs (V-62): a week for a file to be imported, thirty days for papers to find their case, which
# is the time an office has to answer a person (V-24). Records of sharing: three years (V-33).
_DAYS = {RetentionClass.WORKING_FILE: 7, RetentionClass.CASE_FILE: 30, RetentionClass.SHARING_RECORD: 3 * 366}
