"""What was to be written was written: row-level security passes over rows a client may not change, without a word."""


def require_one(tag: str) -> None:
    """Raises `RuntimeError` unless the command tag tells of one row: an action that was allowed to act on something it may not
    change is a bug, and its events must not go out.
    """
    count = int(tag.rpartition(" ")[2])
    if count != 1:
        raise RuntimeError(f"{count} rows were written instead of one")
