"""What was to be written was written: row-level security passes over rows a client may not change, without a word."""

from collections.abc import Sized


def require_one(written: int | str) -> None:
    """`written` is a count of rows or a command tag. Raises `RuntimeError` unless it tells of one row: an action that was
    allowed to act on something it may not change is a bug, and its events must not go out.
    """
    count = int(written.rpartition(" ")[2]) if isinstance(written, str) else written
    if count != 1:
        raise RuntimeError(f"{count} rows were written instead of one")


def require_each(tag: str, records: Sized) -> None:
    """As `require_one`, of as many rows as there are records."""
    count = int(tag.rpartition(" ")[2])
    if count != len(records):
        raise RuntimeError(f"{count} rows were written instead of {len(records)}")
