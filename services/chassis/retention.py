"""How long rows are kept: a closed list, one class per table, named in the table's comment as `retention: <class>; <note>`.

A note that says `append-only` makes the table evidence: the application role may add rows and neither change nor delete them.
"""

from enum import StrEnum


class Retention(StrEnum):
    """The classes; a new one is a decision about the law, not a word in a comment."""

    PERSON = "person"
    """As long as the person is on file; the period after leaving is the city's to set (privacy.md V-62, V-68)."""
    AGGREGATE = "aggregate"
    """As long as the thing the row tells of, which is no person."""
    MIRROR = "mirror"
    """As long as the owning service keeps what is mirrored."""
    CLIENT = "client"
    """As long as evidence names the client."""
    SETTLED = "settled"
    """Until somebody or something has dealt with it."""
    EXPIRY = "expiry"
    """Until an end that the row itself carries, a day at most after it."""
    HOURS_72 = "hours-72"
    DAYS_35 = "days-35"
    YEAR_1 = "year-1"
    YEARS_3 = "years-3"
    """Evidence of dealing with personal data (privacy.md V-33, V-45)."""
    SERVICE = "service"
    """As long as the service: its own machinery, nothing of anybody's."""


PREFIX = "retention: "
APPEND_ONLY = "append-only"


def kept(retention: Retention, note: str = "") -> str:
    """The comment of a table."""
    return f"{PREFIX}{retention}; {note}" if note else f"{PREFIX}{retention}"


def retention_of(comment: str | None) -> Retention | None:
    """The class a comment names; `None` when it names none of the list."""
    if comment is None or not comment.startswith(PREFIX):
        return None
    name = comment.removeprefix(PREFIX).partition(";")[0]
    return next((retention for retention in Retention if retention == name), None)
